# Stands before every start of the unit, by whoever and whenever, and runs as the service's user: no release but the one that
# last opened the data is let at it without a checkpoint of this stop, and none in the middle of a rollout's work. It leaves the
# mark of the opening in the data.
main() {
  arguments "$@"
  started_by=''
  mkdir -p "$notes" || fail not-written "cannot write $notes"
  nobody_works
  switch_decided
  no_swap
  active
  [ -n "$active" ] || fail not-active 'a rollout was cut short while it made a release active: run recover'
  the_release "$active"
  must_be_whole
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
  started_by=start
}

# At boot the switch decides before the server starts: what it is bringing back, or is about to, is started by it alone.
switch_decided() {
  read_switch
  [ -n "$sw_rollout" ] || return 0
  read_lease
  if [ "$sw_phase" != armed ] && [ "$lease_process" = switch ]; then
    [ "$started_by" = start ] || fail busy "the switch of $sw_rollout brings this node back"
    return 0
  fi
  [ "$lease_rollout" = "$sw_rollout" ] || return 0
  silence
  [ "$silent" -lt "$its_window" ] || fail busy "$sw_rollout was not confirmed: its switch brings this node back first"
}

# Its reader is whoever reads the unit's log.
fail() {
  printf 'not started (%s): %s\n' "$1" "$2" >&2
  exit 1
}
main "$@" </dev/null
