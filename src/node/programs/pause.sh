# Holding a running server still for the moment of a copy: what is on disk is then that of one instant, over all databases.

# pause: every thread of the server stands. It goes on even if this program is killed: a watchdog in a session of its own
# sees that, and bounds the pause at ten seconds.
pause() {
  true >"$notes/paused" || drop_part not-written "cannot write $notes"
  identify $$
  # shellcheck disable=SC2016,SC2086,SC2046
  setsid sh -c '
    born() { shift 19 && printf %s "$1"; }
    since() { { read -r stat <"/proc/$1/stat"; } 2>/dev/null && born ${stat##*) }; }
    tries=0
    while [ "$(since "$1")" = "$2" ] && [ -e "$5" ] && [ $tries -lt 100 ]; do sleep 0.1 && tries=$((tries + 1)); done
    mark=$5 server=$3 born=${4% *}
    shift 5
    [ "$(since "$server")" != "$born" ] || "$@"
    rm -f "$mark"
  ' watchdog "$$" "$start" "$pid" "${server#* }" "$notes/paused" $(thawing) </dev/null >/dev/null 2>&1 9>&- &
  freeze
  tries=0
  until stands; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { resume_now && drop_part pause-failed 'the server did not stand still'; }
    sleep 0.02
  done
}

freeze() { kill -STOP "$pid" 2>/dev/null; }
# thawing: the command that lets it go on, as words.
thawing() { printf 'kill -CONT %s' "$pid"; }

# SIGSTOP returns before all threads have stopped.
stands() {
  for word in "/proc/$pid/task"/*/stat; do
    { read -r stat <"$word"; } 2>/dev/null || return 1
    case ${stat##*) } in T* | t*) ;; *) return 1 ;; esac
  done
}

# resume: the copy counts only if the server stood still to its very end.
resume() {
  own_what_is_written
  whole=1
  [ -e "$notes/paused" ] && stands || whole=0
  resume_now
  [ $whole = 1 ] || drop_part pause-limit 'the copy took longer than the server may be paused'
}
resume_now() {
  # shellcheck disable=SC2046,SC2091
  $(thawing) >/dev/null 2>&1
  rm -f "$notes/paused"
}

# An immutable file that the server was just writing goes on growing: such a one gets an inode of its own in the copy.
own_what_is_written() {
  writing=' '
  for word in "/proc/$pid/fdinfo"/*; do
    { read -r _ && read -r _ flags; } 2>/dev/null <"$word" || continue
    case $flags in *[1235679]) writing="$writing${word##*/} " ;; esac
  done
  # shellcheck disable=SC2012  # names were checked; one fork for all of them
  ls -l "/proc/$pid/fd" 2>/dev/null | while read -r link; do
    fd=${link%% -> *} target=${link#* -> }
    case $writing in *" ${fd##* } "*) ;; *) continue ;; esac
    case $target in "$data"/*) target=${target#"$data"/} ;; *) continue ;; esac
    if [ -f "$part/data/$target" ] && [ "$(stat -c %h "$part/data/$target")" != 1 ]; then
      rm -f "$part/data/$target" && cp -p "$data/$target" "$part/data/$target"
    fi
  done
}
