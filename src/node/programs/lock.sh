# One program at a time on a node, and only of the holder of its lease.
#
# The lock is flock(2) on state/lock: the kernel lets it go when the program AND every child that inherited it have ended, so
# that a killed program whose `cp` still writes is not overtaken, and there is no stale lock to break. A file `owner` among what
# its user keeps says who holds it. What outlives a program (the server, its watchdog, a user's command) is started with 9>&-.

# begin PROGRAM critical|interruptible [FOLDER]: take the lock, check the token under it. Held to the end of the program.
# FOLDER: $notes for a program that the service's user runs.
begin() {
  take_lock "$@"
  read_lease
  if [ -n "$lease_rollout" ] && [ "$token" = "$lease_token" ]; then return 0; fi
  first_line "$state/fired"
  [ "${line%% *}" != "$token" ] || fail switch-fired "nobody confirmed ${line#* } in time"
  fail lease-lost "token $token is not that of the lease any more (now ${lease_token:-0}, ${lease_holder:-nobody})"
}

take_lock() {
  [ -r "$state/lock" ] || fail no-lease 'this node was never leased'
  desk=${3:-$state}
  mkdir -p "$desk" || fail not-written "cannot write $desk"
  # reading is enough to lock, and all that one of the two users may
  exec 9<"$state/lock"
  tick
  until=$((now + wait * 100))
  while ! flock -n 9; do
    tick
    [ "$now" -lt "$until" ] || { working && fail busy "another program works on this node: $work"; }
    sleep 0.1
  done
  guard "$2"
  identify $$
  umask 022
  printf '%s %s %s %s %s %s\n' "$$" "$start" "$boot" "$2" "$1" "$token" >"$desk/owner" || fail not-written "cannot write $desk"
  umask 077
}

# alone PROGRAM [FOLDER]: take the lock without a lease, where nobody holds one.
alone() {
  take_lock "$1" critical "${2:-$state}"
  read_lease
  if [ -n "$lease_rollout" ] && { [ "$lease_left" -gt 0 ] || [ "$lease_parked" = 1 ]; }; then
    fail lease-held "held by $lease_holder ($lease_doing)"
  fi
}

# working: sets $work to the `pid start boot critical|interruptible program token` of the program that holds the lock, '' when
# it has ended (a child of it may go on).
working() {
  work=''
  for entry in "$state/owner" "$notes/owner"; do
    first_line "$entry"
    # shellcheck disable=SC2086
    set -- $line
    if [ $# -eq 6 ] && alive "$1 $2 $3"; then work=$line; fi
  done
}

# A lost reader (PIPE) stops no program. A critical one finishes whatever comes; another one cleans up and ends.
guard() {
  trap '' PIPE
  if [ "$1" = critical ]; then trap '' TERM HUP INT; else trap interrupted TERM HUP INT; fi
}

cleanup() { :; } # a program that leaves something half done says here how it is undone
interrupted() {
  trap '' TERM HUP INT
  # shellcheck disable=SC2046
  [ -z "$child" ] || kill -TERM $(family "$child") 2>/dev/null
  cleanup
  fail interrupted 'the program was told to end and undid what it had begun'
}

# read_lease: sets lease_*; lease_rollout '' means free. The token is kept when the lease is let go, so that it only grows.
read_lease() {
  lease_token=0 lease_rollout='' lease_process='' lease_holder='' lease_doing='' lease_parked=0 lease_left=0
  lease_run='' lease_since='' lease_age=''
  [ -f "$state/lease" ] || return 0
  while IFS= read -r line; do
    case $line in
    token=*) lease_token=${line#*=} ;;
    rollout=*) lease_rollout=${line#*=} ;;
    process=*) lease_process=${line#*=} ;;
    holder=*) lease_holder=${line#*=} ;;
    doing=*) lease_doing=${line#*=} ;;
    parked=*) lease_parked=${line#*=} ;;
    run=*) lease_run=${line#*=} ;;
    since=*) lease_since=${line#*=} ;;
    esac
  done <"$state/lease"
  time_left
}

# Written by each token's holder alone: `boot uptime ttl`. After a reboot the window starts again: how long the node was off is
# not known to it.
time_left() {
  first_line "$state/lease-time.$lease_token"
  # shellcheck disable=SC2086
  set -- $line
  [ $# -eq 3 ] || return 0
  tick
  if [ "$1" = "$boot" ]; then lease_left=$(($3 - (now - $2) * 10)); else since_boot && lease_left=$(($3 - up * 10)); fi
  case $lease_since in "$boot "*) lease_age=$(((now - ${lease_since#* }) * 10)) ;; esac
}

# write_lease TTL: from the lease_* variables, as one rename; the time of its token first.
write_lease() {
  write_time "$lease_token" "$1" &&
    printf '%s\n' "token=$lease_token" "rollout=$lease_rollout" "process=$lease_process" "holder=$lease_holder" \
      "doing=$lease_doing" "parked=$lease_parked" "run=$lease_run" "since=$lease_since" >"$state/lease.next" &&
    commit "$state/lease" || fail not-written "cannot write $state/lease"
}

write_time() {
  tick
  printf '%s %s %s\n' "$boot" "$now" "$2" >"$state/lease-time.$1.next.$$" && chmod 644 "$state/lease-time.$1.next.$$" &&
    mv -f "$state/lease-time.$1.next.$$" "$state/lease-time.$1"
}

say_lease() {
  [ -n "$lease_rollout" ] || return 0
  say lease_rollout "$lease_rollout"
  say lease_process "$lease_process"
  say lease_holder "$lease_holder"
  say lease_doing "$lease_doing"
  say lease_run "$lease_run"
  [ -z "$lease_age" ] || printf 'lease_age=%s\n' "$lease_age"
  printf 'lease_token=%s\nlease_left=%s\nlease_parked=%s\n' "$lease_token" "$lease_left" "$lease_parked"
}
