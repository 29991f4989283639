# Which container runs the server, with what and where: for a fleet file that is yet to be written. Read as whoever logs in; changes
# nothing. Of the container's environment only the path of the configuration is read: the rest may be secret.
main() {
  arguments "$@"
  say self "$(id -un)"
  command -v docker >/dev/null || fail docker-silent 'there is no program docker'
  # as that user's own docker does
  case ${DOCKER_HOST:-} in unix://*) socket=${DOCKER_HOST#unix://} ;; esac
  say socket "$socket"
  docker_answers
  tab=$(printf '\t') names=$container
  [ -n "$names" ] || names=$(dock ps --format '{{.Names}}')
  for word in $names; do
    line=$(dock inspect --type container --format '{{.Path}}{{"\t"}}{{.State.Status}}{{"\t"}}{{.Config.User}}{{"\t"}}{{.Config.Image}}' "$word" 2>/dev/null) || continue
    path=${line%%"$tab"*}
    if [ "${path##*/}" = "$binary" ] || [ "$word" = "$container" ]; then
      say found "$word$tab${line#*"$tab"}"
      [ -n "${first:-}" ] || first=$word
    fi
  done
  [ -z "${first:-}" ] || look_inside "$first"
  printf 'end=ok\n'
}

# look_inside NAME: what its server is started with, as the machine sees it.
look_inside() {
  dock inspect --type container --format '{{range .Mounts}}{{.Source}}{{"\t"}}{{.Destination}}{{println}}{{end}}' "$1" 2>/dev/null |
    while IFS= read -r line; do [ -z "$line" ] || say mount "$line"; done
  say ports "$(dock inspect --type container --format '{{json .NetworkSettings.Ports}}' "$1" 2>/dev/null)"
  say network "$(dock inspect --type container --format '{{.HostConfig.NetworkMode}}' "$1" 2>/dev/null)"
  say folder "$(dock inspect --type container --format '{{.Config.WorkingDir}}' "$1" 2>/dev/null)"
  say install "$(readlink -f "/opt/$binary/current" 2>/dev/null)"
  words=$(dock inspect --type container --format '{{range .Args}}{{println .}}{{end}}' "$1" 2>/dev/null)
  named=$(dock inspect --type container --format '{{range .Config.Env}}{{println .}}{{end}}' "$1" 2>/dev/null | sed -n 's/^PROGRESSDB_\(SERVER_\)\{0,1\}CONFIG=//p' | head -n 1)
  how='the default of the server' path=config.yaml
  [ -z "$named" ] || { how='the environment of the container' path=$named; }
  option --config && how='--config of the container' path=$value
  case $path in /*) ;; *) path=$(dock inspect --type container --format '{{.Config.WorkingDir}}' "$1" 2>/dev/null)/$path ;; esac
  if option --db; then say db "$value"; fi
  outside "$1" "$path"
  say config "$on_machine"
  say config_from "$how ($path in it)"
  if [ -n "$on_machine" ] && [ -r "$on_machine" ]; then say config_text "$(cat "$on_machine")"; else say config_closed "$(stat -c '%U' "$on_machine" 2>&1)"; fi
}

# option NAME: sets $value to what stands behind it.
option() {
  value=$(printf '%s\n' "$words" | sed -n -e "s/^$1=//p" -e "/^$1\$/{n;p;}" | head -n 1)
  [ -n "$value" ]
}

# outside NAME PATH: sets $on_machine to where the machine has what the container sees there, '' where no mount holds it.
outside() {
  on_machine='' longest=0
  mounts=$(dock inspect --type container --format '{{range .Mounts}}{{.Source}}{{"\t"}}{{.Destination}}{{println}}{{end}}' "$1" 2>/dev/null)
  while IFS=$tab read -r mount_from mount_to; do
    [ -n "$mount_to" ] || continue
    case $2/ in "$mount_to"/*) [ ${#mount_to} -le "$longest" ] || on_machine=$mount_from${2#"$mount_to"} longest=${#mount_to} ;; esac
  done <<END
$mounts
END
}
main "$@" </dev/null
