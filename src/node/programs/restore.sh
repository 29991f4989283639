# Put a checkpoint back. What was in place is set aside beside it, never deleted. Done already: nothing to do.
main() {
  arguments "$@"
  begin restore critical "$notes"
  data_at_rest
  [ -n "$name" ] && [ -f "$snapshots/$name/META" ] || fail no-checkpoint "there is no checkpoint $name"
  marks "$data"
  read_meta "$snapshots/$name"
  if [ "$from" != "$name" ] || [ "$opens" != "$meta_opens" ]; then
    prepare_restore "$name"
    swap
  fi
  finish
}

# prepare_restore NAME: the checkpoint as a whole new folder beside the data, checked against its seal.
prepare_restore() {
  [ -f "$snapshots/$1/SEAL" ] || fail no-checkpoint "there is no sealed checkpoint $1"
  [ "$(stat -c %d "${data%/*}")" = "$(stat -c %d "$snapshots/$1/data")" ] &&
    { [ ! -d "$data" ] || [ "$(stat -c %d "$data")" = "$(stat -c %d "${data%/*}")" ]; } ||
    fail data-is-mount "$data is a mount point and cannot be swapped by a rename"
  how_to_copy
  touching
  rm -rf "$restoring"
  # point
  copy_tree "$snapshots/$1/data" "$restoring" || fail copy-failed "could not copy checkpoint $1"
  listing "$restoring" | cmp -s - "$snapshots/$1/SEAL" || fail checkpoint-damaged "checkpoint $1 has not the file set of its seal"
  whole_databases "$restoring" || fail checkpoint-damaged "${broken##*/} in checkpoint $1 names no manifest that is there"
  same_small_files "$1" || fail checkpoint-damaged "a file of checkpoint $1 has not the digest it had when it was hashed"
  tick
  mkdir -p "$restoring/.rollout" && printf '%s %s\n' "$1" "$$-$now" >"$restoring/.rollout/from" &&
    durable_tree "$restoring" || fail not-written "cannot write $restoring"
  # point
  aside=$data.failed-$1 && count=1
  while [ -e "$aside" ]; do count=$((count + 1)) aside=$data.failed-$1-$count; done
  printf '%s\n' "$$-$now" "$aside" >"$notes/swap.next" && commit "$notes/swap" || fail not-written "cannot write $notes/swap"
  # point
}

# What was hashed is compared again where it is cheap: the files that were copied and not linked.
same_small_files() {
  sums=$snapshots/$1/SHA256SUMS
  [ -f "$sums" ] || return 0
  # awk prints what is not among the digests of the time before
  odd=$(each_mutable "$restoring" sha256sum | awk 'NR == FNR { known[$0] = 1; next } !($0 in known)' "$sums" -)
  [ -z "$odd" ]
}
main "$@" </dev/null
