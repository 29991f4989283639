# What the container of a release is made from, for one that rehearses it; what is said holds secrets, for the engine alone.
main() {
  arguments "$@"
  docker_answers
  its_container "$release"
  [ -n "$own" ] || fail not-installed "release $release is not installed"
  say container_json "$(dock inspect --type container --format '{{json .}}' "$own")"
  inside "$own" "$data"
  say served_as "$as_seen"
  inside "$own" "$config"
  say config_as "$as_seen"
  printf 'end=ok\n'
}
main "$@" </dev/null
