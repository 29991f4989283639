# What runs before any rollout becomes a release like any other.

# keep_as_release FILE: its bytes, if they are those of $sha256, as $release of $version.
keep_as_release() {
  folder=$releases/$release
  [ ! -d "$folder" ] || return 0
  part=$releases/.$release.partial
  rm -rf "$part" && mkdir -p "$part" && cat "$1" >"$part/$binary" || fail not-written "cannot write $releases"
  digest "$part/$binary" && [ "$sum" = "$sha256" ] || fail not-adopted "$1 is not the binary that runs"
  printf '%s %s %s\n' "$version" "$sha256" "$binary" >"$part/release" && chmod 555 "$part/$binary" && chmod 444 "$part/release" &&
    chmod 755 "$part" && durable_tree "$part" && mv -T "$part" "$folder" || fail not-written "cannot write $folder"
}
