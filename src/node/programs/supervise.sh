# Have systemd leave the server alone while it is changed (kind=hold), or look after it again (kind=let-go). file= says so in the
# record first.
main() {
  arguments "$@"
  begin supervise critical
  case $kind in hold | let-go) ;; *) fail bad-argument 'kind must be hold or let-go' ;; esac
  touching
  [ -z "$file" ] || add_to_record
  # point
  places_of_unit
  if [ "$scope" = user ]; then said=$("$lib/$kind" 2>&1 9>&-); else said=$(sudo -n "$lib/$kind" 2>&1 9>&-); fi ||
    fail sudo-refused "$kind: $said"
  finish
}
main "$@" </dev/null
