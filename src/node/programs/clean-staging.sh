# Remove all that a rehearsal left: process, copy, configuration.
main() {
  arguments "$@"
  begin clean-staging critical "$notes"
  stop_guest
  touching
  rm -rf "$staging"
  finish
}
main "$@" </dev/null
