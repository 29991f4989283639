# Stop the guest; its exit status and what its data weighs now are part of the answer.
main() {
  arguments "$@"
  begin stage-stop critical "$notes"
  stop_guest
  [ -z "$guest_exit" ] || say stage_ended "$guest_exit"
  # shellcheck disable=SC2046
  set -- $(sizes "$staging/data")
  say stage_bytes "${1:-0}"
  # beside the checkpoint, this is what the disk has to hold
  say stage_written "$(listing "$staging/data" | awk 'NR == FNR { held[$0] = 1; next } !($0 in held) { sum += $1 } END { printf "%.0f", sum }' "$staging/SEAL" -)"
  finish
}
main "$@" </dev/null
