# Stop the guest; its exit status is part of the answer.
main() {
  arguments "$@"
  begin guest-stop critical
  unit_look "$guest"
  if ! is_down; then
    touching
    by_root --no-block stop "$guest"
    unit=$guest
    wait_down "$limit" || { by_root kill --signal=SIGKILL "$guest" && wait_down 10; }
  fi
  if [ "$exit_code" != 0 ]; then ended_with && say stage_ended "$status"; fi
  finish
}
main "$@" </dev/null
