# Starting the active release.

# start_server ID "$@": the mark in the data first, then the server. Does nothing when that release runs.
start_server() {
  no_swap
  the_release "$1"
  active
  [ "$active" = "$1" ] || fail not-active "$1 is not the active release (that is ${active:-none})"
  find_server
  if [ -n "$server" ]; then
    runs_it || fail server-running "another server runs (pid $pid)"
    return 0
  fi
  nobody_has_data
  may_open "$version" "$sha256"
  touching
  note_opening
  # point
  rm -f "$state/exit" "$state/checked" "$state/pid"
  shift
  launch_server "$@"
}

# launch_server "$@": the process, from the folder that the first one was started in.
launch_server() {
  first_line "$state/cwd"
  folder=$line
  [ -d "$folder" ] || folder=$install
  launch "$state" "$folder" 0 "$config" "$data" "$@"
  # point
  wait_started "$state" || fail server-exited "the server ended at once (${line:-no status}): $(tail -n 3 "$state/server.log" | cut -c 1-300)"
}
