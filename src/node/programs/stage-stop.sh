# Stop the guest; its exit status and what its data weighs now are part of the answer.
main() {
  arguments "$@"
  begin stage-stop critical
  stop_guest
  say stage_ended "$guest_exit"
  # shellcheck disable=SC2046
  set -- $(sizes "$staging/data")
  say stage_bytes "${1:-0}"
  finish
}
main "$@" </dev/null
