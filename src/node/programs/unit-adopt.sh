# The marks of an adoption, by the service's user: the release that root has kept is the one that runs, and it opened this data.
main() {
  arguments "$@"
  alone adopt "$notes"
  find_server
  [ -n "$server" ] || fail not-found "$unit does not run"
  kind_of_data
  [ "$data_is" = progressdb ] || fail data-foreign "$data is $data_is"
  data_holder "$data"
  [ "$holder" = "$pid" ] || fail not-found "the server of $unit (process $pid) has not $data open (${holder:-nobody} has)"
  digest "/proc/$pid/exe" || fail not-adopted "cannot read the binary of process $pid"
  word=$(readlink "$install/current") || word=''
  release=${word##*/}
  the_release "$release"
  [ "$sum" = "$sha256" ] || fail not-adopted "process $pid runs another binary than $install/current"
  touching
  printf '%s\n' "$release" >"$notes/paired.next" && commit "$notes/paired" && rm -f "$notes/activating" || fail not-written "cannot write $notes"
  # point
  marks "$data"
  [ "$opened_sha" = "$sha256" ] || note_opening
  say adopted "$sha256"
  finish
}
main "$@" </dev/null
