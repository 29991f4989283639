# A process that outlives everything of ours: own session, stated environment, no inherited files, its output bounded.

# launch DIR CWD SECONDS CONFIG DATA "$@": starts $program with the words of arg= and env= found in "$@"; {config} and {data}
# in them are replaced. DIR gets pid, exit, starter and server.log. SECONDS > 0: a guest, last in line, killed after that time.
launch() {
  run=$1 cwd=$2 seconds=$3 use_config=$4 use_data=$5
  shift 5
  exports='' words=$(quote "$program")
  for word; do
    case $word in
    env=[A-Za-z_]*=*)
      word=${word#env=}
      exports="${exports}export ${word%%=*}=$(quote "${word#*=}")
"
      ;;
    arg=*)
      fill "${word#arg=}"
      words="$words$(quote "$filled")"
      ;;
    esac
  done
  [ ! -f "$run/server.log" ] || mv -f "$run/server.log" "$run/server.log.1"
  set -- setsid env -i PATH="$PATH" sh -s
  [ "$seconds" = 0 ] || set -- nice -n 19 "$@"
  if [ "$seconds" != 0 ] && command -v ionice >/dev/null; then set -- ionice -c 3 "$@"; fi
  # the program text goes through a pipe, not through argv: an environment may hold what others must not read
  (
    trap - TERM HUP INT PIPE
    "$@" <<END >>"$run/server.log" 2>&1 9>&- &
{
run=$(quote "$run") cwd=$(quote "$cwd") seconds=$seconds boot=$boot
become() {
${exports}exec $words </dev/null
}
$starter
}
END
  )
}

# fill WORD: sets $filled.
fill() {
  filled='' rest=$1
  while :; do
    case $rest in
    *'{config}'*) filled=$filled${rest%%'{config}'*}$use_config rest=${rest#*'{config}'} ;;
    *) break ;;
    esac
  done
  rest=$filled$rest filled=''
  while :; do
    case $rest in
    *'{data}'*) filled=$filled${rest%%'{data}'*}$use_data rest=${rest#*'{data}'} ;;
    *) break ;;
    esac
  done
  filled=$filled$rest
}

# What stays as the server's parent: it records pid and exit status, bounds the log, and ends with the server.
# shellcheck disable=SC2016
starter='
umask 022
cd "$cwd" || exit 1
fields() { shift 19 && start=$1; }
who() { read -r stat <"/proc/$1/stat" && fields ${stat##*) }; }
{ read -r self </proc/self/stat; } && pid=${self%% *} && who "$pid"
printf "%s %s %s\n" "$pid" "$start" "$boot" >"$run/starter"
(
  read -r self </proc/self/stat
  pid=${self%% *} && who "$pid"
  [ "$seconds" = 0 ] || echo 1000 >/proc/self/oom_score_adj
  printf "%s %s %s\n" "$pid" "$start" "$boot" >"$run/pid.next" && mv -f "$run/pid.next" "$run/pid" || exit 125
  become
) &
pid=$! left=$seconds
(
  exec >/dev/null 2>&1
  who "$pid" || exit
  born=$start
  while sleep 1 && who "$pid" && [ "$start" = "$born" ]; do
    if [ "$(wc -c <"$run/server.log")" -gt 16777216 ]; then cp "$run/server.log" "$run/server.log.1" && : >"$run/server.log"; fi
    left=$((left - 1))
    [ $left -ne 0 ] || kill -KILL "$pid"
  done
) &
wait "$pid"
code=$?
read -r line <"$run/pid"
printf "%s %s\n" "$code" "$line" >"$run/exit.next" && mv -f "$run/exit.next" "$run/exit"
[ "$seconds" = 0 ] || rm -f "$run/config"
'

# wait_started DIR: the process is there and runs the binary (not the shell that becomes it).
wait_started() {
  tries=0 inode=$(stat -L -c %d:%i "$program")
  while [ "$tries" -lt 500 ]; do
    first_line "$1/exit"
    [ -z "$line" ] || return 1
    first_line "$1/pid"
    if alive "$line" && [ "$(stat -L -c %d:%i "/proc/${line%% *}/exe" 2>/dev/null)" = "$inode" ]; then return 0; fi
    tries=$((tries + 1))
    sleep 0.01
  done
  line='it did not start within 5 s'
  return 1
}
