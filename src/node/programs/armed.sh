# The dead man's switch as it stands on the node: parameters in state/switch, written when the node is armed and removed when it
# is disarmed or stands down. Everything here only reads.

# read_switch: sets sw_*; sw_rollout '' on a node that is not armed.
read_switch() {
  sw_rollout='' sw_back='' sw_to='' sw_keeps=0 sw_safe='' sw_window=0 sw_start=0 sw_quiet=0 sw_stop=60 sw_program=''
  sw_node='' sw_port='' sw_out='' sw_in='' sw_limit=30 sw_on_fire='' sw_on_fire_limit=30 sw_phase=armed sw_why=''
  [ -f "$state/switch" ] || return 0
  while IFS= read -r line; do
    case $line in
    rollout=*) sw_rollout=${line#*=} ;;
    back=*) sw_back=${line#*=} ;;
    to=*) sw_to=${line#*=} ;;
    keeps=*) sw_keeps=${line#*=} ;;
    safe=*) sw_safe=${line#*=} ;;
    window=*) sw_window=${line#*=} ;;
    start=*) sw_start=${line#*=} ;;
    quiet=*) sw_quiet=${line#*=} ;;
    stop=*) sw_stop=${line#*=} ;;
    program=*) sw_program=${line#*=} ;;
    node=*) sw_node=${line#*=} ;;
    port=*) sw_port=${line#*=} ;;
    out=*) sw_out=${line#*=} ;;
    in=*) sw_in=${line#*=} ;;
    limit=*) sw_limit=${line#*=} ;;
    on_fire=*) sw_on_fire=${line#*=} ;;
    on_fire_limit=*) sw_on_fire_limit=${line#*=} ;;
    phase=*) sw_phase=${line#*=} ;;
    why=*) sw_why=${line#*=} ;;
    esac
  done <"$state/switch"
}

# silence: sets $silent, the ms since the last sign of life of the lease's holder, and $its_window, how long it may be silent. By
# the node's own uptime alone. After a reboot the window begins anew, once: a second reboot without a word ends it.
silence() {
  silent=0 its_window=$sw_window
  first_line "$state/lease-time.$lease_token"
  # shellcheck disable=SC2086
  set -- $line
  [ $# -eq 3 ] || return 0
  # a parked lease waits for a person
  [ "$lease_parked" = 0 ] || its_window=$3
  tick
  if [ "$1" = "$boot" ]; then
    silent=$(((now - $2) * 10))
    return 0
  fi
  spoke=$1
  since_boot
  silent=$((up * 10))
  first_line "$state/switch-boot"
  case $line in
  "$spoke $boot") ;;
  "$spoke "*) silent=$its_window ;;
  esac
}

# due: is nobody there any more? Sets $why. Only under the lease of the rollout that armed the node.
due() {
  read_switch
  [ -n "$sw_rollout" ] || return 1
  read_lease
  [ "$lease_rollout" = "$sw_rollout" ] || return 1
  silence
  why=unconfirmed
  [ "$silent" -lt "$its_window" ] || return 0
  # a failure that is known already is not waited out, where nobody is there to see to it
  [ "$lease_left" -le 0 ] || [ "$lease_parked" = 1 ] || return 1
  is_failed
}

is_failed() {
  find_server
  why='server-ended'
  if [ -z "$server" ]; then
    [ -z "$unit" ] || is_down
    return
  fi
  # the new version, past its time and never found to be well
  why=not-ready
  word=$(readlink "$install/current") || word=''
  first_line "$state/checked"
  [ "${word##*/}" = "$sw_to" ] && [ "$line" != "$server" ] || return 1
  # shellcheck disable=SC2086
  set -- $server
  tick
  [ $(((now - $2) * 10)) -ge "$sw_start" ]
}

# look_switch: for the reader of an inspection: whose it is, ms until it fires unless somebody speaks, and whether it is watched.
look_switch() {
  read_switch
  [ -n "$sw_rollout" ] || return 0
  read_lease
  silence
  watched=0
  if is_watched; then watched=1; fi
  say armed "$sw_rollout $((its_window - silent)) $sw_phase $sw_keeps $watched"
}

# is_watched: is there a program that will look?
is_watched() {
  if [ -n "$unit" ]; then
    ctl is-active --quiet "$timer" 2>/dev/null
  else
    first_line "$state/switch-pid"
    alive "$line"
  fi
}
