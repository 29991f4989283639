# Stopping the unit's server.

# stop_server FORCE: asks systemd, and waits. With FORCE a server that does not end in time is killed and its data marked unclean.
stop_server() {
  exit_by=''
  find_server
  if ! is_down; then
    touching
    by_root --no-block stop "$unit"
    # point
    wait_down "$limit" || {
      [ "$1" = 1 ] || fail stop-limit "$unit did not stop within $limit s"
      by_root kill --signal=SIGKILL "$unit"
      exit_by='signal-9'
      wait_down 30 || fail stop-limit "$unit does not stop even when it is killed"
    }
  fi
  # point
  note_stop
}

wait_down() { while_within "$1" is_up; }
is_up() { unit_look "$unit" && ! is_down; }

# note_stop: `opens exit clean`. $opens_given is what the service's user read right before; a start in between makes it no match,
# and the stop unclean.
note_stop() {
  first_line "$state/stopped"
  if [ "${line%% *}" = "$opens_given" ] && [ -z "$exit_by" ]; then return 0; fi
  ended_with
  clean=0
  case " $clean_exits " in *" $status "*) clean=1 ;; esac
  [ -z "$exit_by" ] || clean=0
  touching
  printf '%s %s %s\n' "$opens_given" "${exit_by:-$status}" "$clean" >"$state/stopped.next" &&
    commit "$state/stopped" && rm -f "$state/checked" || fail not-written "cannot write $state"
}
