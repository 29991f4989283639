# A sealed checkpoint. kind=rehearsal pauses a running server; rollback-point and return-point want it stopped.
main() {
  arguments "$@"
  begin snapshot interruptible "$notes"
  no_swap
  find_server
  case $kind in
  rehearsal) [ -n "$server" ] || nobody_has_data ;;
  rollback-point | return-point) data_at_rest ;;
  *) fail bad-argument 'kind must be rehearsal, rollback-point or return-point' ;;
  esac
  take_checkpoint "$name" "$kind"
  finish
}
cleanup() {
  if [ -n "$server" ] && [ -e "${paused:-}" ]; then resume_now; fi
  [ -z "${part:-}" ] || rm -rf "$part"
}
main "$@" </dev/null
