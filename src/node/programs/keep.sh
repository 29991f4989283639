# The binary that runs here becomes the first release, known by its digest (sha256=, as the user of the service has seen it).
main() {
  arguments "$@"
  (umask 022 && mkdir -p "$releases" "$state" && : >>"$state/lock") || fail not-written "cannot write $install"
  alone keep
  [ -n "$release" ] && [ -n "$version" ] && [ -n "$binary" ] && [ -n "$file" ] || fail bad-argument 'release, version, binary and file are needed'
  touching
  keep_as_release "$file"
  digest "$folder/$binary" && [ "$sum" = "$sha256" ] || fail release-damaged "$folder is there but does not hold what its name says"
  make_current "$release"
  # point
  printf '%s\n' "$text" >"$state/line.next" || fail not-written "cannot write $state"
  file=$state/line.next
  add_to_record
  finish
}
main "$@" </dev/null
