# Before the lease is taken: the long program of a holder that may be replaced, where the service's user runs it.
main() {
  arguments "$@"
  if [ -r "$state/lock" ]; then
    read_lease
    may_take || refuse
    end_abandoned
  fi
  printf 'end=ok\n'
}
main "$@" </dev/null
