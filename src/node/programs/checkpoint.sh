# Taking a checkpoint: a sealed copy of the data with the configuration that it was served with.

# take_checkpoint NAME KIND: a sealed copy, visible by one rename or not at all. Done before at this very stop: nothing to do.
# Pauses a server that runs (only a rehearsal may come here with one).
take_checkpoint() {
  folder=$snapshots/$1 part=$snapshots/$1.partial
  [ -n "$1" ] || fail bad-argument 'a checkpoint needs a name'
  marks "$data"
  if [ -d "$folder" ]; then
    read_meta "$folder"
    [ "$meta_sealed $meta_kind $meta_opens" = "1 $2 $opens" ] || fail checkpoint-exists "$1 is there, from another stop"
    return 0
  fi
  [ -n "$opened_sha" ] || fail not-adopted 'nobody knows which release wrote this data: adopt the node first'
  plain_files "$data"
  how_to_copy
  room_for_copy
  touching
  mkdir -p "$snapshots" && rm -rf "$snapshots"/*.partial && mkdir "$part" || fail not-written "cannot write $snapshots"
  # point
  [ -z "$server" ] || pause
  # point
  long copy_tree "$data" "$part/data" && listing "$data" >"$part/SEAL"
  copied=$?
  # point
  [ -z "$server" ] || resume
  [ "$copied" -eq 0 ] || drop_part copy-failed "could not copy $data"
  seal_part "$2"
}

seal_part() {
  listing "$part/data" | cmp -s - "$part/SEAL" || drop_part copy-differs 'the copy has not the file set of the data'
  whole_databases "$part/data" || drop_part database-broken "${broken##*/} names no manifest that is there"
  [ ! -f "$config" ] || { cp -p "$config" "$part/config" && chmod 600 "$part/config"; } || drop_part copy-failed "cannot copy $config"
  # point
  first_line "$state/stopped"
  # shellcheck disable=SC2086
  set -- "$1" $line
  clean=0
  [ "${2:-}" != "$opens" ] || clean=${4:-0}
  printf '%s\n' "kind=$1" "version=$opened_version" "sha256=$opened_sha" "opens=$opens" "clean=$clean" \
    "at=$(date +%s)000" "mode=$mode" "of=$data" >"$part/META" &&
    durable_tree "$part" && mv -T "$part" "$folder" || drop_part not-written "cannot write $folder"
  # point
  durable "$snapshots" || fail not-written "cannot write $snapshots"
}

drop_part() {
  rm -rf "$part"
  fail "$1" "$2"
}

room_for_copy() {
  # shellcheck disable=SC2046
  set -- $(sizes "$data")
  room "${data%/*}"
  need_for_copy "${1:-0}" "${2:-0}" "$mode"
  [ "$disk_free" -ge "$need" ] || fail disk-full "the checkpoint needs $need bytes, $disk_free are free"
}
