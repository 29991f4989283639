# Stands before every start of the unit, by whoever and whenever, and runs as the service's user: no release but the one that
# last opened the data is let at it without a checkpoint of this stop, and none in the middle of a rollout's work. It leaves the
# mark of the opening in the data.
main() {
  arguments "$@"
  mkdir -p "$notes" || fail not-written "cannot write $notes"
  nobody_works
  no_swap
  active
  [ -n "$active" ] || fail not-active 'a rollout was cut short while it made a release active: run recover'
  the_release "$active"
  digest "$program" && [ "$sum" = "$sha256" ] || fail release-damaged "$program has not the digest it was installed with"
  nobody_has_data
  may_open "$version" "$sha256"
  note_opening
}

nobody_works() {
  [ -r "$state/lock" ] || return 0
  exec 9<"$state/lock"
  ! flock -n 9 || return 0
  working
  # shellcheck disable=SC2086
  set -- $work
  [ "${5:-}" = start ] || fail busy 'a rollout works on this node'
}

# Its reader is whoever reads the unit's log.
fail() {
  printf 'not started (%s): %s\n' "$1" "$2" >&2
  exit 1
}
main "$@" </dev/null
