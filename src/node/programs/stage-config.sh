# The configuration of the guest (text=), which may hold secrets: it came over standard input and is written by the shell itself.
main() {
  arguments "$@"
  begin stage-config critical "$notes"
  [ -d "$staging/data" ] || fail no-staging 'there is no staging copy'
  touching
  printf %s "$text" >"$staging/config.next" && mv -f "$staging/config.next" "$staging/config" || fail not-written "cannot write $staging"
  finish
}
main "$@" </dev/null
