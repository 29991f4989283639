# `current` becomes a release, checked once more.
main() {
  arguments "$@"
  begin switch critical
  the_release "$release"
  digest "$program" && [ "$sum" = "$sha256" ] || fail release-damaged "$program has not the digest it was installed with"
  find_server
  [ -z "$server" ] || fail server-running "the server runs (pid $pid)"
  touching
  # point
  switch "$release"
  finish
}
main "$@" </dev/null
