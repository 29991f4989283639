# The releases in ran= (names, in order, separated by commas) ran on a copy of the checkpoint and held the invariants.
main() {
  arguments "$@"
  begin mark-proven critical "$notes"
  [ -n "$name" ] && [ -f "$snapshots/$name/SEAL" ] || fail no-checkpoint "there is no sealed checkpoint $name"
  [ -f "$snapshots/$name/SHA256SUMS" ] || fail not-hashed "checkpoint $name was not hashed yet"
  touching
  printf '%s\n' "$ran" | tr ',' '\n' >"$snapshots/$name/PROVEN.next" && commit "$snapshots/$name/PROVEN" || fail not-written "cannot write $snapshots/$name"
  finish
}
main "$@" </dev/null
