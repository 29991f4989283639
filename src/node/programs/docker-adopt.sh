# Take over the container that serves here, without touching it: its image becomes the first release, known by its digest.
main() {
  arguments "$@"
  begin adopt critical
  [ -n "$version" ] || fail bad-argument 'a version is needed'
  find_it
  image_digest "$up_image"
  sha256=$sum release=$version-$(printf %.12s "$sum")
  touching
  keep_container "$up" "$up_image"
  mkdir -p "$notes" && printf '%s\n' "$release" >"$notes/paired" && rm -f "$notes/activating" && make_current "$release"
  # point
  marks "$data"
  [ "$opened_sha" = "$sha256" ] || note_opening
  # point
  rm -f "$state/stopped"
  # a rollout that died had set it aside
  [ ! -f "$state/held" ] || supervision let-go
  printf '%s\n' "$server" >"$state/pid.next" && commit "$state/pid" || fail not-written "cannot write $state"
  say adopted "$sha256"
  finish
}

# By the database's own lock: its holder must run in that container.
find_it() {
  kind_of_data
  [ "$data_is" = progressdb ] || fail data-foreign "$data is $data_is"
  find_server
  [ -n "$server" ] && [ "$up" = "$named" ] || fail not-found "the container $container does not run"
  data_holder "$data"
  case $holder in
  '') fail not-found "no process has a database in $data open" ;;
  other) fail not-found "a process that cannot be seen from here has $data open" ;;
  esac
  case " $(family "$pid")" in *" $holder "*) ;; *) fail not-found "process $holder has $data open, and it is none of the container $container" ;; esac
}
main "$@" </dev/null
