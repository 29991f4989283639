# What every program stands on: its arguments, its answers, and who a process is. Changes nothing by itself.
# Plain POSIX sh over the usual tools (GNU or busybox), the same under dash, bash and busybox sh.
set -u
umask 077
LC_ALL=C
export LC_ALL
boot='' now=0 touched=none
read -r boot </proc/sys/kernel/random/boot_id

# The one list of arguments. Lists of several words (arg=, env=; do=) stay in "$@" and are read where they are used.
arguments() {
  install='' data='' config='' config_next='' binary='' immutable='' drain=none
  token=0 wait=10 limit=60 release='' version='' sha256='' file='' name='' kind='' force=0 clean_exits='0 143' pid_given=''
  rollout='' process='' holder='' doing='' ttl=0 over=expired past=0 run='' command='' node='' port='' ran='' opens_given='' look=1 unit='' scope=system text='' guest='' timer='' container='' socket='' image='' program=''
  for word; do
    case $word in
    install=*) install=${word#*=} ;;
    data=*) data=${word#*=} ;;
    config=*) config=${word#*=} ;;
    config_next=*) config_next=${word#*=} ;;
    binary=*) binary=${word#*=} ;;
    immutable=*) immutable=${word#*=} ;;
    drain=*) drain=${word#*=} ;;
    token=*) token=${word#*=} ;;
    wait=*) wait=${word#*=} ;;
    limit=*) limit=${word#*=} ;;
    release=*) release=${word#*=} ;;
    version=*) version=${word#*=} ;;
    sha256=*) sha256=${word#*=} ;;
    file=*) file=${word#*=} ;;
    name=*) name=${word#*=} ;;
    kind=*) kind=${word#*=} ;;
    force=*) force=${word#*=} ;;
    clean_exits=*) clean_exits=${word#*=} ;;
    pid=*) pid_given=${word#*=} ;;
    rollout=*) rollout=${word#*=} ;;
    process=*) process=${word#*=} ;;
    holder=*) holder=${word#*=} ;;
    doing=*) doing=${word#*=} ;;
    ttl=*) ttl=${word#*=} ;;
    over=*) over=${word#*=} ;;
    past=*) past=${word#*=} ;;
    run=*) run=${word#*=} ;;
    command=*) command=${word#*=} ;;
    node=*) node=${word#*=} ;;
    port=*) port=${word#*=} ;;
    ran=*) ran=${word#*=} ;;
    opens=*) opens_given=${word#*=} ;;
    look=*) look=${word#*=} ;;
    unit=*) unit=${word#*=} ;;
    scope=*) scope=${word#*=} ;;
    guest=*) guest=${word#*=} ;;
    timer=*) timer=${word#*=} ;;
    text=*) text=${word#*=} ;;
    container=*) container=${word#*=} ;;
    socket=*) socket=${word#*=} ;;
    image=*) image=${word#*=} ;;
    arg=* | env=* | do=*) ;;
    *) fail bad-argument "argument ${word%%=*} is not known" ;;
    esac
  done
  places
}

places() {
  case $install in /*) ;; *) fail bad-argument 'install must be an absolute path' ;; esac
  case $data in /*) ;; *) fail bad-argument 'data must be an absolute path' ;; esac
  case $name in .* | -* | *[!A-Za-z0-9._-]* | *.partial) fail bad-argument 'that is no name for a checkpoint' ;; esac
  case $release in .* | -* | *[!A-Za-z0-9.+_-]*) fail bad-argument 'that is no name for a release' ;; esac
  case $unit$guest$timer in *[!A-Za-z0-9:_.@-]*) fail bad-argument 'that is no name for a unit' ;; esac
  case $container in [!A-Za-z0-9]* | *[!A-Za-z0-9_.-]*) fail bad-argument 'that is no name for a container' ;; esac
  case $image in *[!A-Za-z0-9:_./-]*) fail bad-argument 'that is no name for an image' ;; esac
  case $token$ttl$wait$limit$force$opens_given in *[!0-9]*) fail bad-argument 'a number was expected' ;; esac
  # either folder may be a link; everything of ours lies beside what the data folder points to
  if line=$(readlink -f "$install"); then install=$line; fi
  if line=$(readlink -f "$data"); then data=$line; fi
  # what the user that drives the node keeps, and what the user of the service does: each writes only its own
  state=$install/state releases=$install/releases
  notes=${data%/*}/.${data##*/}-notes
  snapshots=${data%/*}/.${data##*/}-snapshots
  staging=${data%/*}/.${data##*/}-staging
  restoring=$data.restore-new
}

# say KEY VALUE: one line of the answer. Anything but plain printable ASCII is percent-encoded, byte by byte.
say() {
  case $2 in
  *[!\ -~]* | *%*) printf '%s=%s\n' "$1" "$(printf %s "$2" | od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g')" ;;
  *) printf '%s=%s\n' "$1" "$2" ;;
  esac
}

# quote WORD: as one word of sh.
quote() {
  rest=$1 word=''
  while :; do
    case $rest in *\'*) word="$word${rest%%\'*}'\\''" rest=${rest#*\'} ;; *) break ;; esac
  done
  printf "'%s' " "$word$rest"
}

# progress WHAT DONE OF UNIT
progress() { printf 'progress=%s %s %s %s\n' "$1" "$2" "$3" "$4"; }

# fail CODE WHY: the last line of an answer that did not end well. Never call it in a subshell.
fail() {
  say why "$2"
  # what was brought for this program may hold secrets
  case $file in */state/put-*) rm -f "$file" ;; esac
  printf 'effect=%s\nend=%s\n' "$touched" "$1"
  exit 1
}

# From here on something may have changed: a failure is no longer without effect.
touching() { touched=unknown; }

# tick: sets $now to this boot's uptime in hundredths of a second. No wall clock decides anything.
tick() {
  read -r now rest </proc/uptime
  now=${now%.*}${now#*.}
}

# since_boot: sets $up, hundredths of a second since the machine was started: its first process tells, as a machine in a container
# shares the clock of another.
since_boot() {
  tick
  up=$now
  { read -r stat </proc/1/stat; } 2>/dev/null || return 0
  # shellcheck disable=SC2086
  set -- ${stat##*) }
  [ $# -lt 20 ] || [ "${20}" -gt "$now" ] || up=$((now - ${20}))
}

# identify PID: sets $start, the time of birth that tells a process from a later one with the same number.
identify() {
  start='' stat=''
  { read -r stat </proc/"$1"/stat; } 2>/dev/null || return 1
  # shellcheck disable=SC2086  # the fields behind `pid (name) ` are words
  born ${stat##*) }
}
born() {
  case ${1:-Z} in Z | X) return 1 ;; esac # a zombie has ended
  start=${20}
}

# alive 'PID START BOOT': does that very process run?
alive() {
  # shellcheck disable=SC2086
  set -- $1
  [ $# -eq 3 ] && [ "$3" = "$boot" ] && identify "$1" && [ "$start" = "$2" ]
}

# first_line FILE: sets $line; '' when there is none.
first_line() {
  line=''
  [ ! -f "$1" ] || IFS= read -r line <"$1" || [ -n "$line" ]
}

# commit FILE: makes FILE.next the file, durably; at every instant the old or the new one is there, whole. What is kept in
# $state holds no secrets, and the service's user reads it.
commit() {
  case $1 in "$state"/*) chmod 644 "$1.next" ;; esac
  durable "$1.next" && mv -f "$1.next" "$1" && durable "${1%/*}"
}

# durable PATH...: these files and folders (not what is in them) are on disk. Never the whole file system: on a busy node that
# takes as long as everybody else's writes.
durable() { sync "$@" 2>/dev/null || sync_all; }

# durable_tree DIR: all in it that is not shared with files which were durable before.
# From within: find fails where it may not go back to where it was called.
durable_tree() { (cd "$1" && find . ! -type f -exec sync {} + -o -links 1 -exec sync {} + 2>/dev/null) || sync_all; }

# sync_all: for a `sync` that takes no names. One that does has failed to write, and says so.
sync_all() { ! sync / 2>/dev/null && sync; }

# digest FILE: sets $sum. openssl uses the processor's instructions, sha256sum of many systems does not (four times slower).
digest() {
  if command -v openssl >/dev/null; then sum=$(openssl dgst -sha256 -r "$1"); else sum=$(sha256sum "$1"); fi
  sum=${sum%% *}
  case $sum in \\*) sum=${sum#?} ;; esac
  [ ${#sum} -eq 64 ]
}

# digest_once FILE: like digest, remembered by inode, size and times. For what nobody acts on blindly.
digest_once() {
  key=$(stat -L -c '%d:%i:%s:%y:%z' "$1" 2>/dev/null) || return 1
  if [ -f "$notes/digests" ]; then
    # a line that a full disk cut short spoils the next one
    while read -r sum known; do [ "$known" != "$key" ] || [ ${#sum} -ne 64 ] || return 0; done <"$notes/digests"
  fi
  digest "$1" || return 1
  [ ! -w "$notes" ] || printf '%s %s\n' "$sum" "$key" >>"$notes/digests" || :
}

# while_within SECONDS CONDITION...: waits as long as it holds, and tells so each second; false when the time is over before.
while_within() {
  tick
  begun=$now deadline=$((now + $1 * 100)) told=$now seconds=$1
  shift
  while "$@"; do
    tick
    [ "$now" -lt "$deadline" ] || return 1
    if [ $((now - told)) -ge 100 ]; then told=$now && progress stop $(((now - begun) / 100)) "$seconds" s; fi
    sleep 0.02
  done
}

# long COMMAND...: runs it so that a TERM ends it at once and not when it is done.
child=''
long() {
  "$@" &
  child=$!
  wait "$child"
  code=$?
  child=''
  return "$code"
}

# family PID: that process and all below it.
family() {
  printf '%s ' "$1"
  for entry in /proc/[0-9]*/stat; do
    { read -r stat <"$entry"; } 2>/dev/null || continue
    stat=${stat##*) }
    stat=${stat#? }
    [ "${stat%% *}" != "$1" ] || { entry=${entry#/proc/} && family "${entry%/stat}"; }
  done
}
