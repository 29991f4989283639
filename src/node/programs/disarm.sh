# Nothing happens on the node by itself any more. Whoever finds that it has happened already is told so by `begin`.
main() {
  arguments "$@"
  begin disarm critical
  touching
  rm -f "$state/switch" "$state/switch-boot" && durable "$state" || fail not-written "cannot write $state"
  # point
  [ -z "$unit" ] || ! is_watched || by_root disable --now "$timer"
  say disarmed 1
  finish
}
main "$@" </dev/null
