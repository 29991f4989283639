# Whether Docker may be asked here, and whose the data is: before anything else, as whoever logs in.
main() {
  arguments "$@"
  say self "$(id -un)"
  say self_uid "$(id -u)"
  say data_uid "$(stat -c %u "$data" 2>/dev/null)"
  [ ! -d "$state" ] || say adopted 1
  command -v docker >/dev/null || say docker_why 'there is no program docker'
  said=$(dock version --format '{{.Server.Version}}' 2>&1) && say docker_version "$said" || say docker_why "$(printf '%s' "$said" | tail -n 1)"
  command -v curl >/dev/null || say without_curl 1
  case $(dock info --format '{{.SecurityOptions}}' 2>/dev/null) in *name=rootless*) say rootless 1 ;; esac
  [ -S "$socket" ] && [ ! -w "$socket" ] && say docker_closed "$(stat -c '%U:%G' "$socket" 2>/dev/null)"
  printf 'end=ok\n'
}
main "$@" </dev/null
