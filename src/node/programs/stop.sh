# A safe stop: TERM to the proven process, and wait. force=1 kills one that does not end, and says that the data is unclean.
main() {
  arguments "$@"
  begin stop critical
  stop_server "$force"
  finish
}
main "$@" </dev/null
