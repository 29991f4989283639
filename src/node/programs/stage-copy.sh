# A real copy of a checkpoint (or a reflink) for a rehearsal: an unproven binary must not share a file with production.
main() {
  arguments "$@"
  begin stage-copy interruptible "$notes"
  as_guest
  [ -n "$name" ] && [ -f "$snapshots/$name/SEAL" ] || fail no-checkpoint "there is no sealed checkpoint $name"
  stop_guest
  touching
  rm -rf "$staging"
  how_to_copy
  [ "$mode" = reflink ] || mode='copy'
  # shellcheck disable=SC2046
  set -- $(sizes "$snapshots/$name/data")
  room "${data%/*}"
  [ "$mode" = reflink ] || [ "$disk_free" -ge $((${1:-0} + 10485760)) ] || fail disk-full "the copy needs ${1:-0} bytes, $disk_free are free"
  mkdir -p "$staging/cwd" || fail not-written "cannot write $staging"
  watch_copy "${1:-0}" &
  watcher=$!
  long copy_tree "$snapshots/$name/data" "$staging/data"
  copied=$?
  kill "$watcher" 2>/dev/null
  [ "$copied" -eq 0 ] || fail copy-failed "could not copy checkpoint $name"
  listing "$staging/data" | cmp -s - "$snapshots/$name/SEAL" || fail copy-differs 'the copy has not the file set of the checkpoint'
  cp "$snapshots/$name/SEAL" "$staging/SEAL" || fail not-written "cannot write $staging"
  say stage_bytes "${1:-0}"
  say stage_port "$(spare_port)"
  say_guest_place
  finish
}
# spare_port: a port of loopback on which nobody listens just now.
spare_port() {
  tick
  spare=$((20000 + (now + $$ * 7) % 12000))
  while grep -qsi ":$(printf %04X "$spare") " /proc/net/tcp /proc/net/tcp6; do spare=$((spare + 1)); done
  printf %s "$spare"
}
watch_copy() {
  exec 9>&-
  while sleep 2; do
    # shellcheck disable=SC2046
    set -- "$1" $(sizes "$staging/data")
    progress copy "${2:-0}" "$1" bytes
  done
}
cleanup() {
  [ -z "${watcher:-}" ] || kill "$watcher" 2>/dev/null
  rm -rf "$staging"
}
main "$@" </dev/null
