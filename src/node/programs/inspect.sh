# What the node is, for everybody, at any time, without a lease.
main() {
  arguments "$@"
  finish
}
main "$@" </dev/null
