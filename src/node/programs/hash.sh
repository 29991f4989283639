# Hash every file of a checkpoint, and compare: with its seal, and with the digests of the time before, if there are any.
main() {
  arguments "$@"
  begin hash interruptible "$notes"
  as_guest
  [ -n "$name" ] && [ -f "$snapshots/$name/SEAL" ] || fail no-checkpoint "there is no sealed checkpoint $name"
  folder=$snapshots/$name sums=$notes/sums.next
  listing "$folder/data" | cmp -s - "$folder/SEAL" || fail checkpoint-damaged "checkpoint $name has not the file set of its seal"
  all=$(awk '{ all += $1 } END { printf "%.0f", all }' "$folder/SEAL") done_bytes=0
  true >"$sums" || fail not-written "cannot write $notes"
  set --
  pending=0
  while IFS= read -r line; do
    set -- "$@" "${line#* }"
    pending=$((pending + ${line%% *}))
    if [ $pending -gt 67108864 ] || [ $# -ge 200 ]; then
      hash_some "$@"
      set --
    fi
  done <"$folder/SEAL"
  [ $# -eq 0 ] || hash_some "$@"
  keep_sums
  finish
}

hash_some() {
  if command -v openssl >/dev/null; then long digest_all openssl dgst -sha256 -r "$@"; else long digest_all sha256sum "$@"; fi ||
    fail checkpoint-damaged "cannot read all of checkpoint $name"
  done_bytes=$((done_bytes + pending)) pending=0
  progress hash "$done_bytes" "$all" bytes
}
digest_all() { cd "$folder/data" && "$@" | sed 's/^\([0-9a-f]*\) [ *]/\1  /' >>"$sums"; }

keep_sums() {
  [ "$(wc -l <"$sums")" -eq "$(wc -l <"$folder/SEAL")" ] || fail checkpoint-damaged "cannot read all of checkpoint $name"
  if [ -f "$folder/SHA256SUMS" ]; then
    cmp -s "$sums" "$folder/SHA256SUMS" || fail checkpoint-damaged "checkpoint $name is not what it was when it was first hashed"
    return 0
  fi
  touching
  cp "$sums" "$folder/SHA256SUMS.next" && commit "$folder/SHA256SUMS" || fail not-written "cannot write $folder"
}
cleanup() { rm -f "$notes/sums.next"; }
main "$@" </dev/null
