# Start a release on the staging copy. file= is its configuration, brought here before: moved, and gone when the guest ends.
main() {
  arguments "$@"
  begin stage-start critical "$notes"
  [ -d "$staging/data" ] && [ -f "$file" ] || fail no-staging 'there is no staging copy, or no configuration for it'
  stop_guest
  the_release "$release"
  must_be_whole
  touching
  chmod 600 "$file" && mv -f "$file" "$staging/config" && rm -f "$staging/exit" "$staging/pid" || fail not-written "cannot write $staging"
  launch "$staging" "$staging/cwd" "$limit" "$staging/config" "$staging/data" "$@"
  wait_started "$staging" || fail guest-exited "it ended at once (${line:-no status}): $(tail -n 3 "$staging/server.log" | cut -c 1-300)"
  finish
}
main "$@" </dev/null
