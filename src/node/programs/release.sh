# Let the lease go. Its token stays, so that the next one is higher.
main() {
  arguments "$@"
  take_lock release critical
  read_lease
  [ "$token" = "$lease_token" ] || fail lease-lost "token $token is not that of the lease any more ($lease_token)"
  touching
  lease_rollout='' lease_process='' lease_holder='' lease_doing='' lease_parked=0 lease_run='' lease_since=''
  write_lease 0
  rm -f "$state/put-$token"-*
  finish
}
main "$@" </dev/null
