# Tell the long program of this token, if one runs, to end and undo what it began. Critical ones are left to finish.
main() {
  arguments "$@"
  working
  # shellcheck disable=SC2086
  set -- $work
  if [ $# -eq 6 ] && [ "$4 $6" = "interruptible $token" ] && ! flock -n "$state/lock" true; then kill -TERM "$1"; fi
  printf 'end=ok\n'
}
main "$@" </dev/null
