# Which binary may open the data, and the mark that it did.

# may_open VERSION SHA256: no binary but the one that last opened the data is let at it without a checkpoint of this very stop.
may_open() {
  marks "$data"
  kind_of_data
  case $data_is in
  missing | unreadable) fail data-missing "$data is $data_is" ;;
  foreign) fail data-foreign "$data is not the data of this service" ;;
  esac
  [ "$opened_sha" != "$2" ] || return 0
  [ -n "$opened_sha" ] || { [ "$data_is" = empty ] && return 0; } || fail not-adopted 'nobody knows which release wrote this data'
  for entry in "$snapshots"/*/SEAL; do
    [ -f "$entry" ] || continue
    case $entry in *.partial/SEAL) continue ;; esac
    read_meta "${entry%/SEAL}"
    if [ "$meta_opens" = "$opens" ] && [ "$meta_kind" != rehearsal ]; then return 0; fi
  done
  fail no-checkpoint "$1 has not opened this data before, and no checkpoint was taken at this stop"
}

# note_opening: a line `count version sha256`. The count grows beyond that of every checkpoint, so that after a restore two
# histories never share one.
note_opening() {
  count=$opens
  for entry in "$snapshots"/*/META; do
    [ -f "$entry" ] || continue
    read_meta "${entry%/META}"
    [ "$meta_opens" -le "$count" ] || count=$meta_opens
  done
  mkdir -p "$data/.rollout"
  # a supervisor may have started it very often
  {
    { [ ! -f "$data/.rollout/opened" ] || tail -n 200 "$data/.rollout/opened"; } &&
      printf '%s %s %s\n' $((count + 1)) "$version" "$sha256"
  } >"$data/.rollout/opened.next" && commit "$data/.rollout/opened" || fail not-written "cannot write $data/.rollout"
}

must_be_whole() { is_whole || fail release-damaged "$program is not what it was when it was installed"; }

# the_release ID: sets $version, $sha256, $program of an installed release.
the_release() {
  first_line "$releases/$1/release"
  # shellcheck disable=SC2086
  set -- "$1" $line
  [ $# -eq 4 ] || fail not-installed "release $1 is not installed"
  version=$2 sha256=$3 program=$releases/$1/$4
}
