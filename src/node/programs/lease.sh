# Take the node's lease. Raises the token, which fences every program of an earlier holder.
main() {
  arguments "$@"
  [ -n "$rollout" ] && [ -n "$process" ] && [ "$ttl" -gt 0 ] || fail bad-argument 'rollout, process and ttl are needed'
  (umask 022 && mkdir -p "$releases" "$state" && : >>"$state/lock") || fail not-written "cannot write $install"
  read_lease
  may_take || refuse
  end_abandoned
  take_lock lease critical
  read_lease
  may_take || refuse
  touching
  [ "$lease_process" = "$process" ] && [ "$lease_rollout" = "$rollout" ] || lease_token=$((lease_token + 1))
  if [ "$lease_rollout" != "$rollout" ] || [ -z "$lease_since" ]; then tick && lease_since="$boot $now"; fi
  lease_run=$run lease_rollout=$rollout lease_process=$process lease_holder=$holder lease_doing=$doing lease_parked=0
  [ -z "$file" ] || add_to_record
  # point
  write_lease "$ttl"
  for entry in "$state"/lease-time.*; do [ "$entry" = "$state/lease-time.$lease_token" ] || rm -f "$entry"; done
  for entry in "$state"/put-[1-9]*; do
    case $entry in */put-"$lease_token"-*) ;; *) rm -f "$entry" ;; esac
  done
  finish
}
main "$@" </dev/null
