# What the node is. Only reads (but for a cache of digests and a probe file that it removes); needs no lock.

finish() {
  [ "$look" = 0 ] || look
  printf 'end=ok\n'
  exit 0
}

look() {
  tick
  say boot "$boot"
  look_machine
  look_process
  [ -z "$unit" ] || look_unit
  [ -z "$container" ] || look_container
  look_releases
  look_data
  look_files
  look_checkpoints
  look_config
  look_staging
  look_switch
  read_lease
  say_lease
  busy=0
  [ ! -f "$state/lock" ] || flock -n -s "$state/lock" true || busy=1
  # under its own lock a program is not busy for the reader of its answer
  [ -z "${until:-}" ] || busy=0
  printf 'busy=%s\n' "$busy"
  [ ! -s "$state/record.jsonl" ] || sed 's/%/%25/g; s/^/record=/' "$state/record.jsonl"
}

look_machine() {
  first_line /etc/machine-id
  say identity "${line:-no-machine-id} $data"
  say machine "$(uname -sm)"
  while read -r key value rest; do
    case $key in MemAvailable:) say memory_free "$((value * 1024))" && break ;; esac
  done </proc/meminfo
  say staging_folder "$staging"
}

# find_server: sets $server, the `pid start boot` line of the server that we started if that very process runs, and $pid.
find_server() {
  server='' pid=''
  first_line "$state/pid"
  if alive "$line"; then server=$line pid=${line%% *}; fi
}

look_process() {
  find_server
  exe=''
  if [ -n "$server" ]; then
    say pid "$pid"
    while read -r key value rest; do
      case $key in VmRSS:) say memory_used "$((value * 1024))" && break ;; esac
    done <"/proc/$pid/status" 2>/dev/null
    say process "$server"
    look_exe
    say exe "${exe:-unknown}"
    first_line "$state/checked"
    [ "$line" != "$server" ] || say checked 1
  else
    data_holder "$data"
    [ -z "$holder" ] || say stranger "$holder"
  fi
  say_last_exit
  say_log
}
say_last_exit() {
  first_line "$state/stopped"
  # shellcheck disable=SC2086
  set -- $line
  [ $# -lt 2 ] || say last_exit "$2"
}
say_log() { [ ! -f "$state/server.log" ] || say server_log "$state/server.log"; }

# data_holder DIR: sets $holder to the process that has one of its databases open: its pid, `other` when the kernel does not
# say which, '' when nobody has. By the lock that the server itself takes, so no pid file can be wrong about it.
data_holder() {
  holder='' locks=''
  set -- "$1"/LOCK "$1"/*/LOCK "$1"/*/*/LOCK
  for word; do
    if [ -f "$word" ]; then set -- "$@" "$word"; fi
    shift
  done
  [ $# -gt 0 ] || return 0
  locks=' '
  for word; do
    as_lock "$word" || continue
    locks="$locks$lock "
  done
  while read -r _ mark _ _ owner where rest; do
    [ "$mark" != '->' ] || continue
    case $locks in *" $where "* | *" :${where##*:} "*) if has_open "$owner" "$@"; then holder=$owner && break; fi ;; esac
  done </proc/locks
  case $holder in '' | [1-9]*) ;; *) holder=other ;; esac
}

# as_lock FILE: sets $lock to how the kernel writes a lock of that file. Where a file tells no real device (btrfs, tmpfs, overlays), that of
# its mount is the one; where that is not known either, the inode's number has to do.
as_lock() {
  line=$(stat -c '%d %i' "$1") || return 1
  device=${line% *} inode=${line#* }
  major=$((device >> 8 & 4095)) minor=$((device & 255 | device >> 12 & 1048320))
  if [ "$major" -eq 0 ]; then device_of_mount "$1" || { lock=:$inode && return 0; }; fi
  lock=$(printf '%02x:%02x:%s' "$major" "$minor" "$inode")
}

# device_of_mount FILE: sets $major and $minor. Of mounts over one another the last one counts.
device_of_mount() {
  mount=$(stat -c %m "$1" 2>/dev/null) || return 1
  found=''
  while read -r _ _ device _ point rest; do
    [ "$point" != "$mount" ] || found=$device
  done </proc/self/mountinfo
  [ -n "$found" ] && major=${found%:*} minor=${found#*:}
}

# has_open PID FILE...: an inode number may be shared by files of two file systems. What cannot be looked into counts as yes.
has_open() {
  owner=$1
  shift
  ls "/proc/$owner/fd" >/dev/null 2>&1 || return 0
  mine=$(stat -c '%d:%i' "$@")
  for word in $(stat -L -c '%d:%i' "/proc/$owner/fd/"* 2>/dev/null); do
    case "
$mine
" in *"
$word
"*) return 0 ;; esac
  done
  return 1
}

# A release is a folder with the binary and a line `version sha256 program`.
look_releases() {
  for entry in "$releases"/*/release; do
    first_line "$entry"
    [ -z "$line" ] || say release "$line"
  done
  active
  [ -z "$active" ] || say active "$active"
}

# active: sets $active to the name of the release that `current` points to; '' also while an activation is unfinished: the
# configuration is not that release's.
active() {
  active=''
  [ ! -f "$notes/activating" ] || return 0
  active=$(readlink "$install/current" 2>/dev/null) || active=''
  active=${active##*/}
  first_line "$notes/paired"
  [ "$line" = "$active" ] || active=''
}

# marks DIR: what the data knows of itself. Sets $opens, $opened_version, $opened_sha, $from. They lie in the data, so they
# travel with every copy of it.
marks() {
  opens=0 opened_version='' opened_sha='' from='' swap_id=''
  if [ -f "$1/.rollout/opened" ]; then
    while read -r word version_seen sha_seen; do
      [ ${#sha_seen} -ne 64 ] || opens=$word opened_version=$version_seen opened_sha=$sha_seen
    done <"$1/.rollout/opened"
  fi
  first_line "$1/.rollout/from"
  from=${line%% *} swap_id=${line#* }
}

look_data() {
  marks "$data"
  printf 'opens=%s\n' "$opens"
  [ -z "$opened_sha" ] || say opened_by "$opened_version $opened_sha"
  [ -z "$from" ] || say from "$from"
  [ ! -f "$notes/swap" ] || say swap unfinished
  for entry in "$data".failed-*; do [ ! -d "$entry" ] || say set_aside "$entry"; done
  first_line "$state/drained"
  [ "$drain" = none ] || say traffic "${line:-in}"
  kind_of_data
  say data "$data_is"
}

kind_of_data() {
  if [ ! -d "$data" ]; then
    data_is=missing
  elif ! ls "$data" >/dev/null 2>&1; then
    data_is=unreadable
  elif [ "$(stat -L -c %d "$data")" != "$(stat -c %d "${data%/*}")" ]; then
    data_is=mount
  elif [ -f "$data/CURRENT" ] || [ -f "$data/store/CURRENT" ]; then
    data_is=progressdb
  elif [ -z "$(ls "$data")" ]; then
    data_is=empty
  else
    data_is=foreign
  fi
}

look_files() {
  # shellcheck disable=SC2046
  set -- $(sizes "$data")
  say bytes "${1:-0}"
  say mutable "${2:-0}"
  room "${data%/*}"
  say disk_free "$disk_free"
  say disk_total "$disk_total"
  how_to_copy
  say checkpoint "$mode"
}

# sizes DIR: bytes of all files, and of those that change in place.
sizes() {
  [ -d "$1" ] || return 0
  find "$1" -type f -exec stat -c '%s /%n' {} + 2>/dev/null | awk -v patterns="$immutable" '
    BEGIN { n = split(patterns, p, " "); for (i = 1; i <= n; i++) { sub(/^\*/, "", p[i]) } }
    /^[0-9]+ \// { all += $1; same = 0
      for (i = 1; i <= n; i++) if (length($0) > length(p[i]) && substr($0, length($0) - length(p[i]) + 1) == p[i]) same = 1
      if (!same) changing += $1 }
    END { printf "%.0f %.0f\n", all, changing }'
}

# room DIR: sets $disk_free and $disk_total in bytes.
room() {
  # shellcheck disable=SC2046
  set -- $(df -Pk "$1" 2>/dev/null | tail -n 1)
  disk_total=$((${2:-0} * 1024)) disk_free=$((${4:-0} * 1024))
}

# need_for_copy BYTES MUTABLE MODE: sets $need, the bytes that a checkpoint takes, with something to spare.
need_for_copy() {
  need=$(($2 + 10485760))
  [ "$3" != copy ] || need=$(($1 + $1 / 10 + 10485760))
}

# how_to_copy: sets $mode by trying with a real file beside the data: reflink, else hard link (immutable files only), else copy.
how_to_copy() {
  mode='copy' probe=${data%/*}/.${data##*/}-probe.$$
  [ -d "$data" ] || return 0
  # of a program that was killed
  for entry in "${probe%.*}".*; do [ ! -f "$entry" ] || (identify "${entry##*.}") || rm -f "$entry"; done
  sample=''
  for sample in "$data"/CURRENT "$data"/*/CURRENT "$data"/*; do [ ! -f "$sample" ] || break; done
  [ -f "$sample" ] || return 0
  if cp --reflink=always "$sample" "$probe" 2>/dev/null; then
    mode='reflink'
  elif [ -n "$immutable" ] && rm -f "$probe" && ln "$sample" "$probe" 2>/dev/null; then
    mode='link'
  fi
  rm -f "$probe"
}

look_checkpoints() {
  for entry in "$snapshots"/*/META; do
    [ -f "$entry" ] || continue
    case $entry in *.partial/META) continue ;; esac
    read_meta "${entry%/META}"
    proven=''
    if [ -f "${entry%/META}/PROVEN" ]; then while read -r word; do proven=$proven${proven:+,}$word; done <"${entry%/META}/PROVEN"; fi
    entry=${entry%/META}
    say checkpoint_is "${entry##*/} $meta_kind $meta_version $meta_sha $meta_opens $meta_sealed $meta_clean $meta_at ${proven:--}"
  done
}

# read_meta DIR: sets meta_*.
read_meta() {
  meta_kind='' meta_version='' meta_sha='' meta_opens=0 meta_clean=0 meta_at=0 meta_sealed=0
  while IFS= read -r line; do
    case $line in
    kind=*) meta_kind=${line#*=} ;;
    version=*) meta_version=${line#*=} ;;
    sha256=*) meta_sha=${line#*=} ;;
    opens=*) meta_opens=${line#*=} ;;
    clean=*) meta_clean=${line#*=} ;;
    at=*) meta_at=${line#*=} ;;
    esac
  done <"$1/META"
  [ ! -f "$1/SEAL" ] || meta_sealed=1
}

look_config() {
  if [ -f "$config" ]; then
    # shellcheck disable=SC2046
    set -- $(sha256sum "$config")
    say config_sha "${1#\\}"
    awk 'BEGIN { printf "config_text=" } { gsub(/%/, "%25"); gsub(/\r/, "%0D"); printf "%s%%0A", $0 } END { print "" }' "$config"
  fi
  if [ -n "$config_next" ] && [ -f "$config_next" ]; then
    # shellcheck disable=SC2046
    set -- $(sha256sum "$config_next")
    say config_next_sha "${1#\\}"
  fi
}

look_staging() {
  [ -d "$staging" ] || return 0
  say staging 1
  look_guest
}
look_guest() {
  first_line "$staging/pid"
  if alive "$line"; then say stage_process "$line"; fi
  first_line "$staging/exit"
  [ -z "$line" ] || say stage_exit "${line%% *}"
  [ ! -f "$staging/server.log" ] || say stage_log "$staging/server.log"
}
