# Tell the long program of this token, if one runs, to end and undo what it began. Critical ones are left to finish.
main() {
  arguments "$@"
  first_line "$state/owner"
  # shellcheck disable=SC2086
  set -- $line
  if [ $# -eq 6 ] && [ "$4 $6" = "interruptible $token" ] && ! flock -n "$state/lock" true && alive "$1 $2 $3"; then
    kill -TERM "$1"
  fi
  printf 'end=ok\n'
}
main "$@" </dev/null
