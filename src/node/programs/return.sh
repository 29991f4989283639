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
    [ -n "$sw_rollout" ] || ! is_watched || by_root disable --now "$timer"
    return
  fi
  identify $$
  self="$$ $start $boot"
  printf '%s\n' "$self" >"$state/switch-pid.next" && mv -f "$state/switch-pid.next" "$state/switch-pid"
  # armed anew by somebody else: that one looks from now on
  while first_line "$state/switch-pid" && [ "$line" = "$self" ]; do
    # a look that fails ends only itself
    (once "$@")
    read_switch
    [ -n "$sw_rollout" ] || break
    sleep 1
  done
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
  rounds=0 starts=0 looks=0 staying=0 undrained=0
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
    # what keeps what it has accepted may be stopped under its clients
    *) do_it "$@" || { [ "$todo" = drain ] && keeps_accepted && undrained=1; } || { because=${code:-step-failed} && hold_on "$@" && return; } ;;
    esac || return 1
  done
}

# stay "$@": the old version does not come up; it is not tried again.
stay() {
  because='start-failed'
  [ -n "$return_point" ] && [ "$staying" = 0 ] || { hold_on "$@"; return 1; }
  staying=1 starts=0
}

# do_it "$@": the one program that is due. Sets $code where it does not work.
do_it() {
  case $todo in
  wait) await_port || { code=not-ready && return 1; } ;;
  look-again) sleep 0.3 ;;
  hold-off) part supervise "$@" kind=hold ;;
  let-go) part supervise "$@" kind=let-go ;;
  finish-swap) part finish_swap "$@" ;;
  drain)
    # where only a runner can tell the balancer, nobody can now
    [ -n "$sw_out" ] || { code="drain-failed" && return 1; }
    part drain "$@" kind=out command="$sw_out" limit="$sw_limit" node="$sw_node" port="$sw_port" opens="$seen_opens" && pause_for_quiet
    ;;
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
