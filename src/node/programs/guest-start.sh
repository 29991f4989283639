# Start a release on the staging copy, in the sandbox of a unit of its own.
main() {
  arguments "$@"
  begin guest-start critical
  the_release "$release"
  must_be_whole
  touching
  rm -f "$install/.staged.next"
  ln -s "releases/$release" "$install/.staged.next" && mv -f -T "$install/.staged.next" "$install/staged" || fail not-written "cannot write $install"
  by_root --no-block start "$guest"
  wait_up "$guest" || fail guest-exited "it ended at once: $(unit_log "$guest" 3 | cut -c 1-300)"
  finish
}
main "$@" </dev/null
