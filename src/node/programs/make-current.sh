# `current` becomes a release, checked once more.
main() {
  arguments "$@"
  begin make-current critical
  the_release "$release"
  must_be_whole
  find_server
  [ -z "$server" ] || fail server-running "the server runs (pid $pid)"
  touching
  # point
  make_current "$release"
  finish
}
main "$@" </dev/null
