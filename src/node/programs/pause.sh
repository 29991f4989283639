# Holding a running server still for the moment of a copy: what is on disk is then that of one instant, over all databases.

# members: the server and, where something else was put before it, all below that.
members() { members=$pid; }

# pause: every thread of the server stands. It goes on even if this program is killed: a watchdog in a session of its own
# sees that, and bounds the pause at ten seconds.
pause() {
  # the watchdog of a program that was killed in its pause lets the server go in a moment: not in ours
  for entry in "$notes"/paused*; do
    tries=0
    while [ -e "$entry" ] && [ "$tries" -lt 30 ]; do tries=$((tries + 1)) && sleep 0.1; done
    rm -f "$entry"
  done
  # of this program alone: where it is gone, the server was let go, and nobody else's pause is ended
  paused=$notes/paused.$$
  true >"$paused" || drop_part not-written "cannot write $notes"
  members
  identify $$
  # shellcheck disable=SC2016,SC2086
  setsid sh -c '
    born() { shift 19 && printf %s "$1"; }
    since() { { read -r stat <"/proc/$1/stat"; } 2>/dev/null && born ${stat##*) }; }
    tries=0
    while [ "$(since "$1")" = "$2" ] && [ -e "$5" ] && [ $tries -lt 100 ]; do sleep 0.1 && tries=$((tries + 1)); done
    mark=$5 server=$3 born=${4% *}
    shift 5
    [ ! -e "$mark" ] || [ "$(since "$server")" != "$born" ] || kill -CONT "$@"
    rm -f "$mark"
  ' watchdog "$$" "$start" "$pid" "${server#* }" "$paused" $members </dev/null >/dev/null 2>&1 9>&- &
  tries=0
  # shellcheck disable=SC2086
  until kill -STOP $members 2>/dev/null && stands; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { resume_now && drop_part pause-failed 'the server did not stand still'; }
    sleep 0.02
  done
}

# SIGSTOP returns before all threads have stopped.
stands() {
  for member in $members; do
    for word in "/proc/$member/task"/*/stat; do
      { read -r stat <"$word"; } 2>/dev/null || return 1
      case ${stat##*) } in T* | t*) ;; *) return 1 ;; esac
    done
  done
}

# resume: the copy counts only if the server stood still to its very end.
resume() {
  own_what_is_written
  whole=1
  [ -e "$paused" ] && stands || whole=0
  resume_now
  [ $whole = 1 ] || drop_part pause-limit 'the copy took longer than the server may be paused'
}
resume_now() {
  # shellcheck disable=SC2086
  kill -CONT $members 2>/dev/null
  rm -f "$paused"
}

# An immutable file that the server was just writing goes on growing: such a one gets an inode of its own in the copy. By inode, since a
# server in a container has another name for it.
own_what_is_written() {
  set --
  for member in $members; do
    for word in "/proc/$member/fdinfo"/*; do
      { read -r _ && read -r _ flags; } 2>/dev/null <"$word" || continue
      case $flags in *[1235679]) set -- "$@" "/proc/$member/fd/${word##*/}" ;; esac
    done
  done
  [ $# -gt 0 ] || return 0
  inodes=$(stat -L -c '%F %i' "$@" 2>/dev/null | sed -n 's/^regular .* //p')
  set --
  for word in $inodes; do set -- "$@" -o -inum "$word"; done
  [ $# -gt 0 ] || return 0
  shift
  find "$part/data" -type f -links +1 \( "$@" \) | while IFS= read -r entry; do
    rm -f "$entry" && cp -p "$data/${entry#"$part/data/"}" "$entry"
  done
}
