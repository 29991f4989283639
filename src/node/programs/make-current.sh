# `current` becomes a release, checked once more.
main() {
  arguments "$@"
  begin make-current critical
  the_release "$release"
  digest "$program" && [ "$sum" = "$sha256" ] || fail release-damaged "$program has not the digest it was installed with"
  find_server
  [ -z "$server" ] || fail server-running "the server runs (pid $pid)"
  touching
  # point
  make_current "$release"
  finish
}
main "$@" </dev/null
