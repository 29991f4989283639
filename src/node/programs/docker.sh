# A server in a container of Docker. It is known by the container that belongs to its release; each release keeps its own, so that the
# way back is to start the very container that served before. Nobody but Docker starts or stops one.

dock() { command docker -H "unix://$socket" "$@" 9>&-; }

# engine METHOD PATH [FILE]: what the command line cannot say, or would show to others. Sets $said to the answer.
engine() {
  api=$(dock version --format '{{.Client.APIVersion}}' 2>/dev/null)
  said=$(curl --silent --show-error --max-time 120 --unix-socket "$socket" --request "$1" --header 'Content-Type: application/json' \
    ${3:+--data-binary "@$3"} --write-out '\n%{http_code}' "http://docker/v$api$2" 2>&1 9>&-)
  http=${said##*
}
  said=${said%
*}
  case $http in 2??) ;; *) return 1 ;; esac
}
# message: what Docker says in an answer that refuses.
message() { printf '%s' "$said" | tr -d '\n' | sed 's/^.*"message": *"//; s/" *}.*$//' | cut -c 1-300; }

LINE='{{.Id}} {{.State.Status}} {{.State.Pid}} {{.State.ExitCode}} {{.Image}} {{.HostConfig.RestartPolicy.Name}}:{{.HostConfig.RestartPolicy.MaximumRetryCount}} {{.Name}}'

# see_containers: sets up* to the container of ours that runs, and named* to the one that has the name now.
see_containers() {
  up='' up_pid=0 up_image='' up_status='' named='' named_status='' named_exit='' named_image='' named_policy=''
  set -- "$container"
  for entry in "$releases"/*/container; do
    first_line "$entry"
    [ -z "$line" ] || set -- "$@" "$line"
  done
  seen_lines=$(dock inspect --type container --format "$LINE" "$@" 2>/dev/null) || docker_answers
  while read -r its_id its_status its_pid its_code its_image its_policy its_name; do
    case $its_status in running | paused | restarting) up=$its_id up_pid=$its_pid up_image=$its_image up_status=$its_status ;; esac
    [ "$its_name" = "/$container" ] || continue
    named=$its_id named_status=$its_status named_exit=$its_code named_image=$its_image named_policy=${its_policy%:0}
  done <<END
$seen_lines
END
}
# What is not there is one thing; that nobody can say is another.
docker_answers() {
  why_silent=$(dock version --format '{{.Server.Version}}' 2>&1 >/dev/null) || fail docker-silent "$(printf '%s' "$why_silent" | tail -n 1)"
}

find_server() {
  server='' pid=''
  see_containers
  if [ -n "$up" ] && [ "$up_pid" != 0 ] && identify "$up_pid"; then server="$up_pid $start $boot" pid=$up_pid; fi
}

# its_release CONTAINER: sets $of_release to the release that it was made for, '' for a stranger's.
its_release() {
  of_release=''
  for entry in "$releases"/*/container; do
    first_line "$entry"
    [ "$line" != "$1" ] || { of_release=${entry%/container} && of_release=${of_release##*/}; }
  done
}

# plain_name ID: of a release, as it can stand in the name of a container.
plain_name() { printf '%s' "$1" | tr '+' '_'; }

# its_container ID: sets $own to the container of a release.
its_container() {
  first_line "$releases/$1/container"
  own=$line
}

# image_digest IMAGE: sets $sum to the digest under which the registry knows it; an image that came from none has only its own.
image_digest() {
  sum=$(dock image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$1" 2>/dev/null | sed -n "s|^$image@sha256:||p" | head -n 1)
  [ ${#sum} -eq 64 ] || sum=${1#sha256:}
}

# The file `image` of a release holds the image's own digest, which is that of all that is in it.
is_whole() {
  first_line "$program"
  own_image=$line
  first_line "${program%/*}/container"
  [ -n "$own_image" ] && [ -n "$line" ] && [ "$(dock inspect --type container --format '{{.Image}}' "$line" 2>/dev/null)" = "$own_image" ] &&
    dock image inspect --format '{{.Id}}' "$own_image" >/dev/null 2>&1
}
runs_it() { its_release "$up" && [ -n "$of_release" ] && [ "$releases/$of_release" = "${program%/*}" ]; }
look_exe() {
  its_release "$up"
  exe=''
  if [ -n "$of_release" ]; then
    first_line "$releases/$of_release/release"
    # shellcheck disable=SC2086
    set -- $line
    exe=${2:-}
  else
    image_digest "$up_image" && exe=$sum
  fi
}

# Only a release whose container and image are there can be gone back to. Both were asked for with the others, or are here at once: an
# inspection is made every few seconds.
look_releases() {
  set --
  for entry in "$releases"/*/image; do
    first_line "$entry"
    [ -z "$line" ] || set -- "$@" "$line"
  done
  images=''
  [ $# -eq 0 ] || images=$(dock image inspect --format '{{.Id}}' "$@" 2>/dev/null)
  for entry in "$releases"/*/release; do
    first_line "$entry"
    its_line=$line
    first_line "${entry%/release}/image"
    own_image=$line
    first_line "${entry%/release}/container"
    printf '%s\n' "$seen_lines" | grep -q "^$line .* $own_image " || continue
    case $images in *"$own_image"*) [ -z "$its_line" ] || say release "$its_line" ;; esac
  done
  active
  [ -z "$active" ] || say active "$active"
}

say_last_exit() {
  [ -z "$server" ] || return 0
  case $named_status in exited | dead) say last_exit "$named_exit" ;; esac
}
say_log() { say server_log "docker logs $container"; }
last_words() { dock logs --tail "$1" "$container" 2>&1; }

# held: the policy that Docker restarts it by is kept here while a rollout changes it.
supervision() {
  see_containers
  [ -n "$named" ] || fail container-missing "there is no container $container"
  if [ "$1" = hold ]; then
    [ -f "$state/held" ] || { printf '%s\n' "${named_policy:-no}" >"$state/held.next" && commit "$state/held"; } || fail not-written "cannot write $state"
    said=$(dock update --restart=no "$named" 2>&1) || fail container-refused "$said"
    return
  fi
  first_line "$state/held"
  said=$(dock update --restart="${line:-no}" "$named" 2>&1) || fail container-refused "$said"
  # point
  rm -f "$state/held" && durable "$state"
}

# look_unit is of systemd; what a fleet must know of a container:
look_container() {
  held=0
  [ ! -f "$state/held" ] || held=1
  say held "$held"
  say container_status "${named_status:-missing}"
  [ -n "$named" ] || return 0
  about=$(dock inspect --type container --format "$ABOUT" "$named" 2>/dev/null)
  say container_of "$(printf '%s\n' "$about" | sed -n 1p)"
  say container_removed "$(printf '%s\n' "$about" | sed -n 2p)"
  mounts=$(printf '%s\n' "$about" | sed 1,2d)
  in_mounts "$data"
  say served_as "$as_seen"
  in_mounts "$config"
  say config_as "$as_seen"
}

MOUNTS='{{range .Mounts}}{{json .Source}}{{"\t"}}{{json .Destination}}{{println}}{{end}}'
ABOUT='{{json (index .Config.Labels "com.docker.compose.project")}} {{json (index .Config.Labels "com.docker.swarm.service.name")}} {{json (index .Config.Labels "io.kubernetes.pod.name")}}
{{.HostConfig.AutoRemove}}
'$MOUNTS

# inside CONTAINER PATH: sets $as_seen to where the container sees what lies there, '' where none of its mounts holds it.
inside() {
  mounts=$(dock inspect --type container --format "$MOUNTS" "$1" 2>/dev/null)
  in_mounts "$2"
}
in_mounts() {
  as_seen='' longest=-1 tab=$(printf '\t')
  while IFS=$tab read -r mount_from mount_to; do
    mount_from=${mount_from#\"} mount_to=${mount_to#\"}
    mount_from=${mount_from%\"} mount_to=${mount_to%\"}
    [ -n "$mount_from" ] || continue
    if line=$(readlink -f "$mount_from"); then mount_from=${line%/}; fi
    case $1/ in "$mount_from"/*) [ ${#mount_from} -le "$longest" ] || as_seen=$mount_to${1#"$mount_from"} longest=${#mount_from} ;; esac
  done <<END
$mounts
END
}

# look_guest: the container of a rehearsal.
look_guest() {
  seen_guest=$(dock inspect --type container --format "$LINE" "$container.rehearsal" 2>/dev/null) || return 0
  read -r _ its_status its_pid its_code _ <<END
$seen_guest
END
  if [ "$its_status" = running ] && identify "$its_pid"; then say stage_process "$its_pid $start $boot"; fi
  case $its_status in exited | dead) say stage_exit "$its_code" ;; esac
  say stage_log "docker logs $container.rehearsal"
}
