# The binary that runs here becomes the first release, known by its digest (sha256=, as the user of the service has seen it).
main() {
  arguments "$@"
  (umask 022 && mkdir -p "$releases" "$state" && : >>"$state/lock") || fail not-written "cannot write $install"
  alone keep
  [ -n "$release" ] && [ -n "$version" ] && [ -n "$binary" ] && [ -n "$file" ] || fail bad-argument 'release, version, binary and file are needed'
  touching
  folder=$releases/$release
  [ -d "$folder" ] || bring
  digest "$folder/$binary" && [ "$sum" = "$sha256" ] || fail release-damaged "$folder is there but does not hold what its name says"
  switch "$release"
  # point
  printf '%s\n' "$text" >"$state/line.next"
  file=$state/line.next
  add_to_record
  finish
}

bring() {
  part=$releases/.$release.partial
  rm -rf "$part" && mkdir -p "$part" && cat "$file" >"$part/$binary" || fail not-written "cannot write $releases"
  digest "$part/$binary" && [ "$sum" = "$sha256" ] || fail not-adopted "$file is not the binary that runs"
  printf '%s %s %s\n' "$version" "$sha256" "$binary" >"$part/release" && chmod 555 "$part/$binary" && chmod 444 "$part/release" &&
    chmod 755 "$part" && durable_tree "$part" && mv -T "$part" "$folder" || fail not-written "cannot write $folder"
}
main "$@" </dev/null
