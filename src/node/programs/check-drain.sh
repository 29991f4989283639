# Why the node could not be taken out of traffic now; nothing where it could. The command that is asked changes nothing.
main() {
  arguments "$@"
  first_line "$state/drained"
  said=$(
    export NODE_NAME="$node" NODE_PORT="$port" NODE_TRAFFIC="${line:-in}"
    timeout -k 5 "$limit" sh -c "$command" </dev/null 2>&1
  )
  code=$?
  case $code in
  0) ;;
  124 | 137) say drain_refused "no answer within $limit s" ;;
  *) say drain_refused "${said:-exit $code}" ;;
  esac
  printf 'end=ok\n'
}
main "$@" </dev/null
