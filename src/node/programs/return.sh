# What the switch does: it looks at the lease, and where nobody speaks for the rollout any more it brings the node back, one program
# after the other, each of them the very one that a rollout calls. After each it looks at the node anew, so that it may be cut short
# anywhere. It only ever does what keeps data, and stops only what may be stopped; else it holds, and says so.
main() {
  task=''
  for word; do case $word in do=*) task=${word#*=} ;; esac; done
  if [ -n "$task" ]; then "do_$task" "$@"; fi
  arguments "$@"
  if [ -n "$unit" ]; then
    once "$@"
    [ -n "$sw_rollout" ] || ! is_watched || by_root disable --now "$(timer_of_switch)"
    return
  fi
  identify_self
  printf '%s\n' "$self" >"$state/switch-pid.next" && mv -f "$state/switch-pid.next" "$state/switch-pid"
  # armed anew by somebody else: that one looks from now on
  while first_line "$state/switch-pid" && [ "$line" = "$self" ]; do
    once "$@"
    [ -n "$sw_rollout" ] || break
    sleep 1
  done
}

identify_self() {
  identify $$
  self="$$ $start $boot"
}

# once "$@": one look, and what follows from it.
once() {
  remember_boot
  read_lease
  if [ "$sw_phase" != armed ] && [ "$lease_process $lease_rollout" = "switch $sw_rollout" ]; then
    come_home "$@"
  elif due && part fire "$@"; then
    page crit "$sw_rollout was not confirmed ($why): this node goes back to $sw_back by itself"
    tell fired "$why"
    come_home "$@"
  fi
  read_switch
}

# The first look after a reboot says that the window has begun anew.
remember_boot() {
  read_switch
  [ -n "$sw_rollout" ] || return 0
  read_lease
  first_line "$state/lease-time.$lease_token"
  spoke=${line%% *}
  [ -n "$spoke" ] && [ "$spoke" != "$boot" ] || return 0
  first_line "$state/switch-boot"
  case $line in "$spoke "*) return 0 ;; esac
  printf '%s %s\n' "$spoke" "$boot" >"$state/switch-boot.next" && commit "$state/switch-boot"
}

# come_home "$@": what remains is done, in order, until the node is home or held.
come_home() {
  rounds=0 starts=0 looks=0
  while [ "$rounds" -lt 30 ]; do
    rounds=$((rounds + 1))
    see "$@" || return 1
    decide
    case $todo in
    hold) hold_on "$@" && return ;;
    home) part stand_down "$@" kind=home text="$sw_why" && page crit "$sw_rollout: this node is back on $sw_back" && tell home "$sw_why" && return ;;
    # one that is up for a moment only counts as one that did not come up
    start | back) if [ "$starts" -lt 3 ]; then starts=$((starts + 1)) && do_it "$@" || :; else stay "$@"; fi ;;
    wait) do_it "$@" || { find_server && [ -z "$server" ]; } || stay "$@" ;;
    *) do_it "$@" || { because=${code:-step-failed} && hold_on "$@" && return; } ;;
    esac || return 1
  done
}

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
    unit_load=*) [ "$seen_held" = 2 ] || seen_held=0 ;;
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
  elif [ "$sw_phase" = staying ] || was_refused; then
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
  drain | stop | back | restore | activate | start) [ "$seen_held" != 0 ] || todo=hold-off ;;
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
      looks=$((looks + 1)) todo=look-again
    elif [ "$seen_exe" != "$back_sha" ]; then
      hold_for stranger
    elif ! listens; then
      todo='wait'
    elif [ -n "$seen_traffic" ] && [ "$seen_traffic" != in ]; then
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
  elif [ "$seen_traffic" = in ]; then
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
is_safe() {
  case $sw_safe in *intake-wal*) return 0 ;; esac
  [ -n "$seen_traffic" ] && [ "$seen_traffic" != in ]
}

# The release to go back to is what it was when it was installed.
intact() { sha_of "$sw_back" && digest "$program" && [ "$sum" = "$sha" ]; }

room_for_point() {
  need=$((seen_mutable + 10485760))
  [ "$seen_mode" != copy ] || need=$((seen_bytes + seen_bytes / 10 + 10485760))
  [ "$seen_free" -ge "$need" ]
}

# listens: something answers at the server's port, as the kernel tells it.
listens() {
  [ -n "$sw_port" ] || return 0
  awk -v port="$(printf '%04X' "$sw_port")" '$4 == "0A" { split($2, at, ":"); if (at[2] == port) found = 1 } END { exit !found }' \
    /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# The old version did not come up on the data, whatever was foreseen: what the new one wrote comes back, and it is started on that.
stay() {
  because=start-failed
  [ -n "$return_point" ] && [ "$sw_phase" != staying ] || { hold_on "$@" && return 1; }
  set_phase staying "$sw_why" && starts=0
}
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

# do_it "$@": the one program that is due. Sets $code where it does not work.
do_it() {
  case $todo in
  wait) await_port || { code=not-ready && return 1; } ;;
  look-again) sleep 0.3 ;;
  hold-off) part supervise "$@" kind=hold ;;
  let-go) part supervise "$@" kind=let-go ;;
  finish-swap) part finish_swap "$@" ;;
  drain) part drain "$@" kind=out command="$sw_out" limit="$sw_limit" node="$sw_node" port="$sw_port" opens="$seen_opens" && pause_for_quiet ;;
  undrain) part drain "$@" kind=in command="$sw_in" limit="$sw_limit" node="$sw_node" port="$sw_port" opens="$seen_opens" ;;
  stop) part stop "$@" limit="$sw_stop" force=1 opens="$seen_opens" ;;
  snapshot) part snapshot "$@" kind=return-point name="$sw_rollout.return-point.$seen_opens" ;;
  restore) part restore "$@" name="$point" ;;
  back) part back "$@" release="$id" name="$sw_rollout.return-point.$seen_opens" limit="$sw_stop" ;;
  activate) if [ -n "$unit" ]; then part pair "$@" release="$id" && part make_current "$@" release="$id"; else part activate "$@" release="$id"; fi ;;
  start) part start "$@" release="$id" ;;
  esac
}

# Longer than twice what the server may take to apply what it has accepted.
pause_for_quiet() { sleep $((sw_quiet / 1000 + 1)); }

await_port() {
  tick
  deadline=$((now + sw_start / 10))
  until listens; do
    tick
    find_server
    [ -n "$server" ] && [ "$now" -lt "$deadline" ] || return 1
    sleep 0.1
  done
}

# hold_on "$@": no further. The node stays as it is, and whoever looks is told why.
hold_on() {
  if [ "$seen_held" = 2 ]; then part supervise "$@" kind=let-go || :; fi
  part stand_down "$@" kind=held text="$because" || return 1
  page crit "$sw_rollout: this node is left as it is ($because); it needs somebody: progressdb-rollout recover"
  tell held "$because"
}

# tell WHAT WHY: the command of whoever wants to know, for a bounded time.
tell() {
  [ -n "$sw_on_fire" ] || return 0
  (
    export NODE_NAME="$sw_node" NODE_PORT="$sw_port" ROLLOUT="$sw_rollout" SWITCH_EVENT="$1" SWITCH_REASON="$2"
    exec timeout -k 5 "$sw_on_fire_limit" sh -c "$sw_on_fire" </dev/null >>"$state/switch.log" 2>&1
  ) || page err "on-fire of $sw_rollout failed: exit $?"
}

# part NAME "$@" WORD=...: one of the programs, under the token of the switch, as the user that it is for. Sets $answer and $code.
part() {
  part=$1 code='' quiet=look=0
  shift
  read_lease
  [ "$part" != inspect ] || quiet=look=1
  if [ -n "$unit" ] && of_the_data "$part"; then
    answer=$(as_service "$part" "$@" token="$lease_token" "$quiet")
  else
    answer=$("do_$part" "$@" token="$lease_token" "$quiet")
  fi
  case $answer in *'end=ok') return 0 ;; esac
  code=${answer##*end=}
  case $code in *[!a-z-]* | '') code=no-answer ;; esac
  printf '%s: %s\n' "$part" "$answer" | tail -n 3 >&2
  return 1
}

of_the_data() { case " $OF_THE_DATA " in *" $1 "*) ;; *) return 1 ;; esac; }

# as_service NAME WORD...: this very file, as the user that the data belongs to.
as_service() {
  name_of_part=$1 user=$(ctl show --property=User --value "$unit")
  shift
  if [ "$scope" = user ] || [ "$user" = "$(id -un)" ]; then
    "do_$name_of_part" "$@"
    return
  fi
  places_of_unit
  {
    printf 'exec '
    for word in "$lib/switch" "do=$name_of_part" "$@"; do quote "$word"; done
    printf '\n'
  } | sudo -n -u "$user" /bin/sh -s
}
main "$@" </dev/null
