# Nobody spoke for the rollout: the switch takes the node, as one step under its lock. The token that it raises fences off whoever
# comes late.
main() {
  arguments "$@"
  take_lock fire critical
  due || fail not-due 'somebody spoke at the last moment'
  touching
  note_in_record fired "$why"
  # point
  set_phase fired "$why"
  printf '%s %s\n' "$lease_token" "$lease_rollout" >"$state/fired.next" && commit "$state/fired" || fail not-written "cannot write $state/fired"
  # point
  lease_token=$((lease_token + 1))
  lease_process=switch lease_holder="the switch of $sw_rollout" lease_doing='going back by itself' lease_parked=0 lease_run=''
  write_lease 600000
  finish
}
main "$@" </dev/null
