# Starting the active release.

# start_server ID "$@": the mark in the data first, then the process. Does nothing when that release runs.
start_server() {
  no_swap
  the_release "$1"
  active
  [ "$active" = "$1" ] || fail not-active "$1 is not the active release (that is ${active:-none})"
  find_server
  if [ -n "$server" ]; then
    digest_once "/proc/$pid/exe" && [ "$sum" = "$sha256" ] || fail server-running "another server runs (pid $pid)"
    return 0
  fi
  nobody_has_data
  may_open "$version" "$sha256"
  touching
  note_opening
  # point
  rm -f "$state/exit" "$state/checked" "$state/pid"
  first_line "$state/cwd"
  folder=$line
  [ -d "$folder" ] || folder=$install
  shift
  launch "$state" "$folder" 0 "$config" "$data" "$@"
  # point
  wait_started "$state" || fail server-exited "the server ended at once (${line:-no status}): $(tail -n 3 "$state/server.log" | cut -c 1-300)"
}
