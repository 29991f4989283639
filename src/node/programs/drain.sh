# Take the node out of traffic, or bring it back (kind=out|in), by the command that the configuration gives. On descriptor 8 it may say
# how far it is.
main() {
  arguments "$@"
  begin drain critical
  first_line "$state/drained"
  case $kind in
  out)
    case $line in [0-9]*) ;; *)
      by_command
      if [ -n "$opens_given" ]; then opens=$opens_given; else marks "$data"; fi
      # the count tells later whether anybody can have written since
      mark "$opens"
      ;;
    esac
    ;;
  in)
    by_command
    rm -f "$state/drained"
    ;;
  # somebody else takes it out or brings it back, or it was not out after all: clients may reach it, and may not
  leaving) case $line in [0-9]*) ;; *) touching && mark leaving ;; esac ;;
  in-doubt) touching && mark leaving ;;
  *) fail bad-argument 'kind must be out, in, leaving or in-doubt' ;;
  esac
  finish
}

mark() { printf '%s\n' "$1" >"$state/drained.next" && commit "$state/drained" || fail not-written "cannot write $state"; }

# Whoever finds the node in the middle knows that clients may reach it, and may not.
by_command() {
  touching
  mark leaving
  (
    trap - TERM HUP INT PIPE
    export NODE_NAME="$node" NODE_PORT="$port"
    exec timeout -k 5 "$limit" sh -c "$command" </dev/null 8>&1 >"$state/drain.out" 2>&1 9>&-
  )
  code=$?
  # point
  [ "$code" -eq 0 ] || fail drain-failed "exit $code: $(tail -c 300 "$state/drain.out")"
  rm -f "$state/drain.out"
}
main "$@" </dev/null
