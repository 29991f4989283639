# The way back in one step: stop what runs, keep what it wrote in a return point, start the other release on the same data.
# Every part is skipped where it is done, so that it may be cut short anywhere and called again.
main() {
  arguments "$@"
  begin back critical
  no_swap
  the_release "$release"
  find_server
  if [ -n "$server" ]; then
    if runs_it; then finish; fi
  fi
  target=$sha256
  stop_server 1
  # point
  marks "$data"
  [ "$opened_sha" = "$target" ] || { server='' && take_checkpoint "$name" return-point; }
  # point
  activate_release "$release"
  # point
  start_server "$release" "$@"
  finish
}
main "$@" </dev/null
