# Copies of the data folder: taken, sealed, put back. Nothing here ever deletes data that was in place.

# The server is down by two proofs (our pid file, the database's own locks) and no swap is half done.
data_at_rest() {
  no_swap
  find_server
  [ -z "$server" ] || fail server-running "the server runs (pid $pid)"
  nobody_has_data
}
no_swap() { [ ! -f "$notes/swap" ] || fail swap-unfinished 'a restore was cut short and must be finished first'; }
nobody_has_data() {
  data_holder "$data"
  [ -z "$holder" ] || fail data-in-use "process $holder, which we did not start, has the data open"
}

# plain_files DIR: regular files and folders only, with names that a list can hold.
plain_files() {
  odd=$(find "$1" ! -type f ! -type d 2>/dev/null | head -n 1)
  [ -z "$odd" ] || fail data-has-specials "$odd is neither a file nor a folder"
  odd=$(find "$1" -name '*[[:cntrl:]\\]*' 2>/dev/null | head -n 1)
  [ -z "$odd" ] || fail data-has-specials "$odd has a control character or a backslash in its name"
}

# listing DIR: `size ./path` of every file but locks, sorted. Two trees with one listing hold the same file set.
listing() { (cd "$1" && find . -type f ! -name LOCK -exec stat -c '%s %n' {} + | sort); }

# each_mutable DIR COMMAND...: COMMAND over all files of DIR but the immutable ones and locks.
each_mutable() (
  cd "$1" || exit
  shift
  set -f
  tests=''
  for word in $immutable; do tests="$tests ! -name $word"; done
  # shellcheck disable=SC2086
  find . -type f ! -name LOCK $tests -exec "$@" {} +
)

# copy_tree FROM TO: by $mode. Only immutable files are ever linked; a lock is never part of a copy.
copy_tree() {
  case $mode in
  reflink) cp -a --reflink=always "$1" "$2" ;;
  link)
    # one cp for all: a fork for each file would multiply the time that the server is down
    # shellcheck disable=SC2016
    cp -al "$1" "$2" && each_mutable "$2" rm -f &&
      each_mutable "$1" sh -c 'to=$1 && shift && exec cp -p --parents "$@" "$to"' sh "$2"
    ;;
  copy) cp -a "$1" "$2" ;;
  esac && find "$2" -type f -name LOCK -exec rm -f {} +
}

# whole_databases DIR: each database in it names a manifest that is there and not empty. Sets $broken to one that does not.
whole_databases() {
  broken=''
  for entry in "$1" "$1"/*; do
    is_database "$entry" || continue
    first_line "$entry/CURRENT"
    for word in "$entry"/marker.manifest.*; do [ ! -e "$word" ] || line=MANIFEST-${word##*.MANIFEST-}; done
    case $line in MANIFEST-*) [ ! -s "$entry/$line" ] || continue ;; esac
    broken=$entry
    return 1
  done
}
is_database() {
  # shellcheck disable=SC2231  # the patterns are to be expanded
  for word in "$1"/CURRENT "$1"/MANIFEST-* "$1"/OPTIONS-* "$1"/LOCK; do [ ! -f "$word" ] || return 0; done
  for pattern in $immutable; do
    for word in "$1"/$pattern; do [ ! -f "$word" ] || return 0; done
  done
  return 1
}
