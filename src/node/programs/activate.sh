# Make an installed release, with the configuration that belongs to it, the one that is started next.
main() {
  arguments "$@"
  begin activate critical
  data_at_rest
  activate_release "$release"
  finish
}
main "$@" </dev/null
