# Stopping the one server of this node. A process whose identity is not proven is never signalled.

# stop_server FORCE: TERM, and wait. With FORCE a server that does not end in time is killed and its data marked unclean.
stop_server() {
  find_server
  if [ -n "$server" ]; then
    touching
    exit_by=''
    ask_to_end
    # point
    wait_gone "$limit" || {
      [ "$1" = 1 ] || fail stop-limit "the server (pid $pid) did not end within $limit s"
      # the pid may have passed to a stranger in this very moment
      if alive "$server"; then end_it; fi
      exit_by='signal-9'
      wait_gone 30 || fail stop-limit "the server (pid $pid) does not end even when it is killed"
    }
    # point
    note_stop
  elif [ -f "$state/pid" ]; then
    # it ended by itself, or with the machine
    exit_by=''
    touching
    note_stop
  fi
  nobody_has_data
}

ask_to_end() {
  kill -TERM "$pid" 2>/dev/null
  kill -CONT "$pid" 2>/dev/null # were it left paused, it could not end
}
end_it() { kill -KILL "$pid"; }
wait_gone() { while_within "$1" alive "$server"; }

# note_stop: `opens exit clean`.
note_stop() {
  exit_status
  marks "$data"
  is_clean
  printf '%s %s %s\n' "$opens" "${exit_by:-$status}" "$clean" >"$state/stopped.next" &&
    commit "$state/stopped" && rm -f "$state/pid" "$state/checked" || fail not-written "cannot write $state"
}

# exit_status: sets $status. The starter, as its parent, knows it; of an adopted server nobody does.
exit_status() {
  first_line "$state/pid"
  ended=$line status=unknown tries=0
  while [ "$tries" -lt 50 ]; do
    first_line "$state/exit"
    if [ "${line#* }" = "$ended" ]; then status=${line%% *} && break; fi
    [ -f "$state/starter" ] || break
    first_line "$state/starter"
    alive "$line" || [ "$tries" -lt 5 ] || break
    tries=$((tries + 1))
    sleep 0.02
  done
}

# Clean: it ended with a status that the service's profile calls clean; or nobody can know the status, but it ended on our TERM.
is_clean() {
  clean=0
  case " $clean_exits " in *" $status "*) clean=1 ;; esac
  [ "$status" != unknown ] || [ -z "$server" ] || clean=1
  [ -z "$exit_by" ] || clean=0
}
