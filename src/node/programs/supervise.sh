# Have its supervisor leave the server alone while it is changed (kind=hold), or look after it again (kind=let-go). file= says so in the
# record first.
main() {
  arguments "$@"
  begin supervise critical
  case $kind in hold | let-go) ;; *) fail bad-argument 'kind must be hold or let-go' ;; esac
  touching
  [ -z "$file" ] || add_to_record
  # point
  supervision "$kind"
  finish
}
main "$@" </dev/null
