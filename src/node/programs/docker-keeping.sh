# A release of a server in a container: its digest, its container, and its image, as a line in a file each.

# keep_container CONTAINER IMAGE: as $release of $version and $sha256.
keep_container() {
  folder=$releases/$release part=$releases/.$release.partial
  rm -rf "$part"
  mkdir -p "$part" && printf '%s %s image\n' "$version" "$sha256" >"$part/release" && printf '%s\n' "$1" >"$part/container" &&
    printf '%s\n' "$2" >"$part/image" && chmod 644 "$part"/* && chmod 755 "$part" && durable_tree "$part" || fail not-written "cannot write $releases"
  # point
  if [ -d "$folder" ]; then
    # its container was removed by somebody, and made anew
    mv -f "$part/container" "$folder/container" && mv -f "$part/image" "$folder/image" && rm -rf "$part"
  else
    mv -T "$part" "$folder"
  fi && durable "$releases" || fail not-written "cannot write $folder"
}
