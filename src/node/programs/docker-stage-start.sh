# Start a release on the staging copy. file= describes its container; its configuration lies there already.
main() {
  arguments "$@"
  begin stage-start critical "$notes"
  [ -d "$staging/data" ] && [ -f "$file" ] || fail no-staging 'there is no staging copy, or no description of its container'
  the_release "$release"
  must_be_whole
  touching
  cp "$staging/config" "$staging/config.kept" 2>/dev/null
  stop_guest
  as_the_server "$staging/config.kept" "$staging/config"
  said=$(dock network create --internal "$container.rehearsal" 2>&1) || fail container-refused "$said"
  engine POST "/containers/create?name=$container.rehearsal" "$file" || fail container-refused "$(message)"
  rm -f "$file"
  # point
  said=$(dock start "$container.rehearsal" 2>&1) || fail guest-exited "Docker could not start it: $(printf '%s' "$said" | tail -n 2 | cut -c 1-300)"
  end_in_time
  say stage_host "$(dock inspect --type container --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$container.rehearsal")"
  finish
}

# as_the_server FROM TO: the configuration is for whoever may read that of the server.
as_the_server() {
  [ -f "$1" ] || return 0
  mv -f "$1" "$2" || fail not-written "cannot write $staging"
  [ -f "$config" ] || return 0
  chown "$(stat -c %u:%g "$config")" "$2" 2>/dev/null
  chmod "$(stat -c %a "$config")" "$2"
}

# end_in_time: a guest that nobody stops any more ends by itself. Only this very one.
end_in_time() {
  guest_id=$(dock inspect --type container --format '{{.Id}}' "$container.rehearsal")
  # shellcheck disable=SC2016
  setsid sh -c 'timeout "$1" docker -H "unix://$2" wait "$3" || docker -H "unix://$2" kill "$3"' guest "$limit" "$socket" "$guest_id" </dev/null >/dev/null 2>&1 9>&- &
}
main "$@" </dev/null
