# Append decision lines (file=, one JSON text a line) to the node's record.
main() {
  arguments "$@"
  begin record critical
  [ -f "$file" ] || fail bad-argument 'no file with the lines'
  touching
  add_to_record
  finish
}
main "$@" </dev/null
