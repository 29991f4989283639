# Who may take the lease, and what becomes of the programs of whoever held it.

may_take() {
  [ -n "$lease_rollout" ] || return 0
  [ "$lease_left" -gt 0 ] || return 0
  if [ "$lease_rollout" = "$rollout" ] && [ "$over" != seen ]; then
    [ "$lease_process" = "$process" ] || [ "$over" != expired ]
    return
  fi
  case $over in
  # the very lease that was looked at, whose holder is known to have ended, or is passed over by a person
  seen) [ "$lease_token" = "$past" ] ;;
  parked) [ "$lease_parked" = 1 ] ;;
  *) return 1 ;;
  esac
}

refuse() {
  say_lease
  fail lease-held "held by $lease_holder ($lease_doing)"
}

# A long program of a holder that is being replaced is told to end; it undoes what it began. Critical ones are waited for.
end_abandoned() {
  tries=0 lost=0
  while ! flock -n "$state/lock" true && [ "$tries" -lt $((wait * 10)) ]; do
    tries=$((tries + 1))
    working
    # shellcheck disable=SC2086
    set -- $work
    if [ $# -eq 6 ]; then
      lost=0
      [ "$4" = interruptible ] || return 0
      # one of the other user's is not ours to end
      [ $((tries % 20)) -ne 1 ] || kill -TERM "$1" 2>/dev/null || return 0
    else
      lost=$((lost + 1))
      [ $((lost % 20)) -ne 10 ] || end_orphans
    fi
    sleep 0.1
  done
}

# The program is gone but a child of it still holds the lock: by the open file, so that it can be nobody else's process.
end_orphans() {
  # shellcheck disable=SC2012
  ls -l /proc/[0-9]*/fd/9 2>/dev/null | while read -r link; do
    case $link in *" -> $state/lock") link=${link#*/proc/} && kill -TERM "${link%%/*}" ;; esac
  done
}
