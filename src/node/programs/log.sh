# What the unit wrote last.
main() {
  arguments "$@"
  unit_log "$unit" 1000 | tail -c 200000 | sed 's/%/%25/g; s/^/log=/'
  printf 'end=ok\n'
}
main "$@" </dev/null
