# The switch has done what it can (kind=home), or must not do more (kind=held): the node is let go. text= is why.
main() {
  arguments "$@"
  begin stand-down critical
  touching
  read_switch
  note_in_record "$kind" "$text"
  # point
  lease_rollout='' lease_process='' lease_holder='' lease_doing='' lease_parked=0 lease_run='' lease_since=''
  write_lease 0
  # point
  rm -f "$state/switch" "$state/switch-boot"
  finish
}
main "$@" </dev/null
