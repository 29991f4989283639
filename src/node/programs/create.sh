# Make the container of a release, stopped, so that nothing is left to be made when the server is down. file= describes it: a line for
# Docker, then one `network description` for each further network.
main() {
  arguments "$@"
  begin create critical
  [ -n "$release" ] && [ -n "$version" ] && [ -f "$file" ] || fail bad-argument 'release, version and file are needed'
  its_container "$release"
  if [ -n "$own" ] && the_release "$release" && is_whole; then
    rm -f "$file"
    finish
  fi
  touching
  its_name=$container.$(plain_name "$release")
  # of a program that was cut short
  case $(dock inspect --type container --format '{{.State.Status}}' "$its_name" 2>/dev/null) in
  created) dock rm --volumes "$its_name" >/dev/null 2>&1 ;;
  '') ;;
  *) fail container-foreign "there is a container $its_name that no rollout made" ;;
  esac
  head -n 1 "$file" >"$state/create.next"
  engine POST "/containers/create?name=$its_name" "$state/create.next" || refused
  # point
  made=$(printf '%s' "$said" | sed -n 's/.*"Id" *: *"\([0-9a-f]\{64\}\)".*/\1/p')
  [ -n "$made" ] || fail container-refused 'Docker did not say which container it made'
  join_networks
  rm -f "$file" "$state/create.next"
  its_image=$(dock inspect --type container --format '{{.Image}}' "$made")
  # one image may be known by several digests
  dock image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$its_image" | grep -q -x -F "$image@sha256:$sha256" ||
    fail image-not-the-release "the container that was made has the image $its_image"
  keep_container "$made" "$its_image"
  finish
}

join_networks() {
  sed 1d "$file" >"$state/networks.next"
  while read -r network rest; do
    printf '{"Container":"%s","EndpointConfig":%s}' "$made" "$rest" >"$state/create.next"
    engine POST "/networks/$network/connect" "$state/create.next" || refused
  done <"$state/networks.next"
  rm -f "$state/networks.next"
}

refused() {
  rm -f "$state/create.next" "$state/networks.next"
  fail container-refused "$(message)"
}
main "$@" </dev/null
