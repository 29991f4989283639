# The holder is alive. Writes only the time of its own token, without the lock, so that long work starves nobody.
main() {
  arguments "$@"
  read_lease
  if [ -n "$lease_rollout" ] && [ "$lease_token" = "$token" ]; then
    # a parked lease has its own, longer time
    [ "$lease_parked" = 1 ] || write_time "$token" "$ttl" || fail not-written "cannot write $state"
    say lease held
  else
    say lease lost
  fi
  printf 'end=ok\n'
}
main "$@" </dev/null
