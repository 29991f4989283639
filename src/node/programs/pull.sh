# Fetch the image of a release by its digest (sha256=), with the node's own credentials, and see that it is the program of the release:
# file= has a line `os/arch sha256` for each platform, or none. Then tell what a container of it is made from; what is said holds
# secrets, for the engine alone.
main() {
  arguments "$@"
  begin pull interruptible
  find_server
  [ -n "$named" ] || fail container-missing "there is no container $container"
  ref=$image@sha256:$sha256
  if ! dock image inspect "$ref" >/dev/null 2>&1; then
    touching
    said=$(dock pull --quiet "$ref" 2>&1) || registry_fails "$ref: $(printf '%s' "$said" | tail -n 1)"
  fi
  new_image=$(dock image inspect --format '{{.Id}}' "$ref") || fail image-missing "$ref is not there after it was fetched"
  right_platform
  right_program
  say image_id "$new_image"
  say container_json "$(dock inspect --type container --format '{{json .}}' "$named")"
  say image_old "$(dock image inspect --format '{{json .Config}}' "$named_image")"
  rm -f "$file"
  finish
}

right_platform() {
  platform=$(dock image inspect --format '{{.Os}}/{{.Architecture}}' "$new_image")
  here=$(dock version --format '{{.Server.Os}}/{{.Server.Arch}}')
  [ "$platform" = "$here" ] || fail image-other-platform "$ref is for $platform, this machine is $here"
}

# The bytes of the program in the image are those of the release's archive: proof that both are of one version.
right_program() {
  [ -n "$file" ] && [ -s "$file" ] || return 0
  wanted=$(sed -n "s|^$platform ||p" "$file")
  [ -n "$wanted" ] || fail image-not-the-release "the release has no program for $platform to compare with"
  touching
  looked=$(dock create "$new_image" none 2>&1) || fail container-refused "$looked"
  sum=$(dock cp -L "$looked:$command" - 2>/dev/null | tar -xOf - 2>/dev/null | sha256sum)
  dock rm --volumes "$looked" >/dev/null 2>&1
  [ "${sum%% *}" = "$wanted" ] || fail image-not-the-release "$command in $ref has the sha256 ${sum%% *}, the program in the release's archive $wanted"
}
main "$@" </dev/null
