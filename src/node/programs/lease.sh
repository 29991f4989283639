# Take the node's lease. Raises the token, which fences every program of an earlier holder.
main() {
  arguments "$@"
  [ -n "$rollout" ] && [ -n "$process" ] && [ "$ttl" -gt 0 ] || fail bad-argument 'rollout, process and ttl are needed'
  (umask 022 && mkdir -p "$releases") && mkdir -p "$state" && : >>"$state/lock" || fail not-written "cannot write $install"
  read_lease
  may_take || refuse
  end_abandoned
  take_lock lease critical
  read_lease
  may_take || refuse
  touching
  [ "$lease_process" = "$process" ] && [ "$lease_rollout" = "$rollout" ] || lease_token=$((lease_token + 1))
  lease_rollout=$rollout lease_process=$process lease_holder=$holder lease_doing=$doing lease_parked=0
  [ -z "$file" ] || add_to_record
  # point
  write_lease "$ttl"
  for entry in "$state"/lease-time.*; do [ "$entry" = "$state/lease-time.$lease_token" ] || rm -f "$entry"; done
  for entry in "$state"/put-[1-9]*; do
    case $entry in */put-"$lease_token"-*) ;; *) rm -f "$entry" ;; esac
  done
  finish
}

may_take() {
  [ -n "$lease_rollout" ] || return 0
  [ "$lease_left" -gt 0 ] || return 0
  if [ "$lease_rollout" = "$rollout" ]; then
    [ "$lease_process" = "$process" ] || [ "$over" != expired ]
    return
  fi
  case $over in
  any) ;;
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
    first_line "$state/owner"
    # shellcheck disable=SC2086
    set -- $line
    if [ $# -eq 6 ] && alive "$1 $2 $3"; then
      lost=0
      [ "$4" = interruptible ] || return 0
      [ $((tries % 20)) -ne 1 ] || kill -TERM "$1"
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
main "$@" </dev/null
