# The container of the active release is started, and nothing is made anew.
launch_server() {
  its_container "$active"
  said=$(dock start "$own" 2>&1) || fail server-exited "Docker could not start the container: $(printf '%s' "$said" | tail -n 2 | cut -c 1-300)"
  # point
  tries=0
  until find_server && [ -n "$server" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 40 ] && [ "$named_status" != exited ] || fail server-exited "the server ended at once (exit ${named_exit:-unknown}): $(last_words 3 | cut -c 1-300)"
    sleep 0.05
  done
  printf '%s\n' "$server" >"$state/pid.next" && commit "$state/pid" || fail not-written "cannot write $state"
}
