# The invariants held for the process that runs now.
main() {
  arguments "$@"
  begin mark-checked critical
  find_server
  [ -n "$server" ] && [ "$server" = "$process" ] || fail not-running 'it is not that process which runs now'
  printf '%s\n' "$server" >"$state/checked.next" && commit "$state/checked" || fail not-written "cannot write $state"
  finish
}
main "$@" </dev/null
