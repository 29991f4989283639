# What the switch sees of its node, and the one thing that is due. Changes nothing but the time of its own lease.

# see "$@": the node as an inspection tells it. Sets seen_*.
see() {
  read_switch
  read_lease
  [ "$lease_process $lease_rollout" = "switch $sw_rollout" ] || return 1
  part inspect "$@" || return 1
  seen=$answer
  # only what can be looked at is kept: else whoever comes would be held off for ever
  part refresh "$@" ttl=600000 || return 1
  seen_exe='' seen_process='' seen_stranger='' seen_active='' seen_sha='' seen_opens=0 seen_from='' seen_traffic='' seen_swap='' seen_held=1
  seen_bytes=0 seen_mutable=0 seen_free=0 seen_mode='copy' point='' point_opens=-1 stop_point=0 stop_points=' ' return_point=''
  while IFS= read -r line; do
    case $line in
    exe=*) seen_exe=${line#*=} ;;
    process=*) seen_process=${line#*=} ;;
    stranger=*) seen_stranger=${line#*=} ;;
    active=*) seen_active=${line#*=} ;;
    opened_by=*) seen_sha=${line##* } ;;
    opens=*) seen_opens=${line#*=} ;;
    from=*) seen_from=${line#*=} ;;
    traffic=*) seen_traffic=${line#*=} ;;
    swap=*) seen_swap=${line#*=} ;;
    held=0) seen_held=0 ;;
    held=*) seen_held=2 ;;
    bytes=*) seen_bytes=${line#*=} ;;
    mutable=*) seen_mutable=${line#*=} ;;
    disk_free=*) seen_free=${line#*=} ;;
    checkpoint=*) seen_mode=${line#*=} ;;
    checkpoint_is=*) see_checkpoint "${line#*=}" ;;
    esac
  done <<END
$seen
END
  # taken at this very stop
  case $stop_points in *" $seen_opens "*) stop_point=1 ;; esac
  sha_of "$sw_back" && back_sha=$sha || back_sha=''
  sha_of "$sw_to" && to_sha=$sha || to_sha=''
}

# `name kind version sha256 opens sealed clean at proven`
see_checkpoint() {
  # shellcheck disable=SC2086
  set -- $1
  [ "$6" = 1 ] && [ "$2" != rehearsal ] || return 0
  stop_points="$stop_points$5 "
  case $1 in "$sw_rollout."*) ;; *) return 0 ;; esac
  case $2 in
  rollback-point) [ "$5" -lt "$point_opens" ] || { point=$1 && point_opens=$5; } ;;
  return-point) return_point=$1 ;;
  esac
}

# sha_of ID: sets $sha and $program of an installed release.
sha_of() {
  sha='' program=''
  first_line "$releases/$1/release"
  # shellcheck disable=SC2086
  set -- "$1" $line
  [ $# -eq 4 ] && sha=$3 program=$releases/$1/$4
}

# decide: sets $todo, one program or `home` or `hold`, and $because.
decide() {
  because='' id=$sw_back
  if ! itself; then
    hold_for program-changed
  elif [ "$seen_swap" = unfinished ]; then
    todo=finish-swap
  elif [ "$staying" = 1 ] || was_refused; then
    decide_stay
  elif [ -n "$seen_stranger" ]; then
    hold_for stranger
  elif [ -n "$back_sha" ] && [ "$seen_sha" = "$back_sha" ]; then
    decide_serve
  elif [ -n "$to_sha" ] && [ "$seen_sha" = "$to_sha" ]; then
    decide_back
  else
    hold_for unknown-data
  fi
  # no supervisor may meddle
  case $todo in
  drain | stop | back | restore | activate | start) [ "$seen_held" != 0 ] || todo='hold-off' ;;
  home) [ "$seen_held" != 2 ] || todo=let-go ;;
  esac
}

# was_refused: what the new version wrote was put back already, because the old one did not run on it.
was_refused() {
  case $seen_from in "$sw_rollout.return-point."*) [ "$seen_sha" = "$to_sha" ] ;; *) return 1 ;; esac
}

hold_for() { todo=hold because=$1; }

# itself: what acts here is what was there when the node was armed.
itself() {
  [ -n "$unit" ] || return 0
  places_of_unit
  digest "$lib/switch" && [ "$sum" = "$sw_program" ]
}

# The old version opened the data last: it runs, or it is started.
decide_serve() {
  if [ -n "$seen_process" ]; then
    if [ "$seen_exe" = unknown ] && [ "$looks" -lt 10 ]; then
      # it ended in the moment it was looked at, perhaps
      looks=$((looks + 1)) todo='look-again'
    elif [ "$seen_exe" != "$back_sha" ]; then
      hold_for stranger
    elif ! listens; then
      todo='wait'
    elif [ -n "$seen_traffic" ] && [ "$seen_traffic" != in ] && [ -n "$sw_in" ]; then
      todo=undrain
    else
      todo=home
    fi
  elif ! intact; then
    hold_for release-damaged
  elif [ "$seen_active" != "$sw_back" ]; then
    todo=activate
  else
    todo=start
  fi
}

# The new version opened it. Where nobody can have written since its start the rollback point loses nothing, whatever the class.
decide_back() {
  if ! intact; then
    hold_for release-damaged
  elif [ -n "$point" ] && [ "$seen_traffic" = "$point_opens" ]; then
    todo=restore
    [ -z "$seen_process" ] || todo=stop
  elif [ "$sw_keeps" != 1 ] && [ -z "$seen_process" ] && [ "$starts" = 0 ] && [ "$seen_active" = "$sw_to" ]; then
    # held, but it serves what it has where it can
    id=$sw_to todo=start
  elif [ "$sw_keeps" != 1 ]; then
    hold_for would-lose-writes
  elif [ "$stop_point" = 1 ]; then
    todo=start
    [ "$seen_active" = "$sw_back" ] || todo=activate
  elif ! room_for_point; then
    hold_for no-room
  elif [ -z "$seen_process" ]; then
    todo=back
  elif is_reached && [ "$undrained" = 0 ]; then
    todo=drain
  elif is_safe; then
    todo=back
  else
    hold_for unsafe-stop
  fi
  if [ "$todo" = back ] && [ -n "$unit" ]; then
    todo=snapshot
    [ -z "$seen_process" ] || todo=stop
  fi
}

# It was drained, and quiet; or its intake WAL keeps what it has not applied.
is_safe() { keeps_accepted || { [ -n "$seen_traffic" ] && ! is_reached; }; }

keeps_accepted() { case $sw_safe in *intake-wal*) ;; *) return 1 ;; esac; }

# Clients reach it, perhaps: a drain that was begun may not have been done.
is_reached() { case $seen_traffic in in | leaving) ;; *) return 1 ;; esac; }

# The release to go back to is what it was when it was installed.
intact() { sha_of "$sw_back" && sha256=$sha && is_whole; }

room_for_point() {
  need_for_copy "$seen_bytes" "$seen_mutable" "$seen_mode"
  [ "$seen_free" -ge "$need" ]
}

# listens: something answers at the server's port, as the kernel tells it.
listens() {
  [ -n "$sw_port" ] || return 0
  awk -v port="$(printf '%04X' "$sw_port")" '$4 == "0A" { split($2, at, ":"); if (at[2] == port) found = 1 } END { exit !found }' \
    /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# The old version did not come up on the data, whatever was foreseen: what the new one wrote comes back, and it is started on that.
decide_stay() {
  id=$sw_to
  if [ "$seen_sha" = "$back_sha" ] && [ -n "$return_point" ]; then
    todo=restore point=$return_point
    [ -z "$seen_process" ] || todo=stop
  elif [ -n "$seen_process" ]; then
    hold_for old-version-refuses-data
  elif [ "$seen_active" != "$sw_to" ]; then
    todo=activate
  else
    todo=start
  fi
}
