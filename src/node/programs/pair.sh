# The configuration becomes that of a release, before `current` does. By the service's user, who reads the checkpoints.
main() {
  arguments "$@"
  begin pair critical "$notes"
  data_at_rest
  the_release "$release"
  may_open "$version" "$sha256"
  touching
  pair "$release"
  finish
}
main "$@" </dev/null
