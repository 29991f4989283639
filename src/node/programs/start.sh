# Start the active release as a process of its own, after the mark in its data.
main() {
  arguments "$@"
  begin start critical
  start_server "$release" "$@"
  finish
}
main "$@" </dev/null
