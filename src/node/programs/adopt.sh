# Take over the server that runs here, without touching it: its own bytes become the first release, known by their digest.
main() {
  arguments "$@"
  begin adopt critical
  [ -n "$version" ] && [ -n "$binary" ] || fail bad-argument 'version and binary are needed'
  find_it
  digest "/proc/$pid/exe" || fail not-adopted "cannot read the binary of process $pid"
  sha256=$sum release=$version-$(printf %.12s "$sum")
  touching
  keep_as_release "/proc/$pid/exe"
  mkdir -p "$notes" && printf '%s\n' "$release" >"$notes/paired" && make_current "$release"
  # point
  marks "$data"
  [ "$opened_sha" = "$sha256" ] || note_opening
  # point
  rm -f "$state/starter" "$state/exit" "$state/stopped" "$notes/activating"
  folder=$(readlink "/proc/$pid/cwd") && printf '%s\n' "$folder" >"$state/cwd"
  identify "$pid" || fail not-found "process $pid ended"
  printf '%s %s %s\n' "$pid" "$start" "$boot" >"$state/pid.next" && commit "$state/pid" || fail not-written "cannot write $state"
  say adopted "$sha256"
  finish
}

# By the database's own lock; a given pid must be its holder.
find_it() {
  kind_of_data
  [ "$data_is" = progressdb ] || fail data-foreign "$data is $data_is"
  data_holder "$data"
  case $holder in
  '') fail not-found "no process has a database in $data open" ;;
  other) fail not-found "a process that cannot be seen from here has $data open" ;;
  esac
  pid=$holder
  [ -z "$pid_given" ] || [ "$pid_given" = "$pid" ] || fail not-found "process $pid_given has not $data open, $pid has"
}
main "$@" </dev/null
