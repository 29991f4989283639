# Finish a restore that was cut short.
main() {
  arguments "$@"
  begin finish-swap critical "$notes"
  find_server
  [ -z "$server" ] || fail server-running "the server runs (pid $pid) in the middle of a restore"
  nobody_has_data
  swap
  finish
}
main "$@" </dev/null
