# Put a binary (file=, brought here before) into its own folder, if it is what it should be. Never overwrites.
main() {
  arguments "$@"
  begin install interruptible
  [ -n "$release" ] && [ -n "$version" ] && [ -n "$binary" ] || fail bad-argument 'release, version and binary are needed'
  folder=$releases/$release
  [ -d "$folder" ] || bring
  the_release_is_whole
  rm -f "$file"
  finish
}

bring() {
  digest "$file" || fail not-brought 'the binary did not arrive'
  [ "$sum" = "$sha256" ] || fail wrong-digest "the binary that arrived has the sha256 $sum"
  touching
  part=$releases/.$release.partial
  rm -rf "$part" && mkdir -p "$part" || fail not-written "cannot write $releases"
  # point
  mv "$file" "$part/$binary" && printf '%s %s %s\n' "$version" "$sha256" "$binary" >"$part/release" &&
    chmod 555 "$part/$binary" && chmod 444 "$part/release" && chmod 755 "$part" && durable_tree "$part" || fail not-written "cannot write $part"
  # point
  mv -T "$part" "$folder" && durable "$releases" || fail not-written "cannot write $folder"
}
cleanup() { [ ! -d "$releases/.$release.partial" ] || rm -rf "$releases/.$release.partial"; }

the_release_is_whole() {
  first_line "$folder/release"
  # shellcheck disable=SC2086
  set -- $line
  [ "${2:-}" = "$sha256" ] && digest "$folder/${3:-}" && [ "$sum" = "$sha256" ] ||
    fail release-damaged "$folder is there but does not hold what its name says"
}
main "$@" </dev/null
