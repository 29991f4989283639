# Starting the unit. The guard that `adopt` put before every start leaves the mark in the data, or refuses.

start_server() {
  [ "$(readlink "$install/current" 2>/dev/null)" = "releases/$1" ] || fail not-active "$1 is not the active release"
  find_server
  # which release it is, only the service's user can see
  [ -z "$server" ] || return 0
  touching
  rm -f "$state/checked"
  # point
  by_root --no-block start "$unit"
  # point
  wait_up "$unit" || fail server-exited "the server ended at once: $(unit_log "$unit" 3 | cut -c 1-300)"
}

# wait_up UNIT: its main process is there. Whether it is ready, the probe asks.
wait_up() {
  tick
  deadline=$((now + limit * 100))
  while unit_look "$1" && [ "$main" = 0 ]; do
    tick
    ! is_down && [ "$now" -lt "$deadline" ] || return 1
    sleep 0.05
  done
}
