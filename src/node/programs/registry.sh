# What a registry says, in one of a few codes.

# registry_fails TEXT: what could not be fetched or asked.
registry_fails() {
  case $1 in
  *'getting credentials'* | *credential-*) fail registry-refused "$1" ;;
  *'manifest unknown'* | *'not found'* | *'NAME_UNKNOWN'* | *'name unknown'*) fail image-missing "$1" ;;
  *denied* | *unauthorized* | *'authentication required'* | *'no basic auth'* | *'403 Forbidden'*) fail registry-refused "$1" ;;
  *'no space left'*) fail disk-full "$1" ;;
  *) fail registry-silent "$1" ;;
  esac
}
