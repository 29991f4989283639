# Making a release and its configuration current, together.

# activate_release ID: the binary, checked once more, and the configuration that belongs to it become current together.
activate_release() {
  the_release "$1"
  must_be_whole
  may_open "$version" "$sha256"
  touching
  pair "$1"
  # point
  make_current "$1"
  # point
}

# pair ID: the configuration becomes that of the release ($version, $sha256). Until `current` follows, no release is active.
pair() {
  mkdir -p "$notes" && printf '%s\n' "$1" >"$notes/activating.next" && commit "$notes/activating" || fail not-written "cannot write $notes"
  # point
  pair_config
  # point
  mv -f "$notes/activating" "$notes/paired" && durable "$notes" || fail not-written "cannot write $notes"
}

# make_current ID: `current` becomes that release.
make_current() {
  rm -f "$install/.current.next"
  ln -s "releases/$1" "$install/.current.next" && mv -f -T "$install/.current.next" "$install/current" &&
    durable "$install" || fail not-written "cannot switch $install/current"
}

# pair_config: which configuration goes with the release that is being activated ($sha256).
#   it opened the data last         that of the checkpoint of this stop
#   a way back (a return point)     that of the newest checkpoint of this release
#   a way forward                   config_next, where it is set
# Nothing found: the file stays.
pair_config() {
  pair='' pair_opens=0 back=0
  for entry in "$snapshots"/*/META; do
    [ -f "$entry" ] || continue
    entry=${entry%/META}
    read_meta "$entry"
    [ "$meta_sealed" = 1 ] || continue
    if [ "$meta_opens" = "$opens" ] && [ "$meta_kind" = return-point ]; then back=1; fi
    [ "$meta_sha" = "$sha256" ] && [ -f "$entry/config" ] || continue
    if [ "$opened_sha" = "$sha256" ]; then [ "$meta_opens" = "$opens" ] && [ "$meta_kind" != rehearsal ] || continue; fi
    if [ "$meta_opens" -ge "$pair_opens" ]; then pair=$entry/config pair_opens=$meta_opens; fi
  done
  if [ "$opened_sha" != "$sha256" ] && [ $back = 0 ]; then pair=$config_next; fi
  [ -n "$pair" ] && [ -f "$pair" ] || return 0
  ! cmp -s "$pair" "$config" || return 0
  # a file that is not ours to write was never changed by us
  [ -n "$config_next" ] || [ -w "${config%/*}" ] || return 0
  # shared with the old file: owner and mode
  [ ! -f "$config" ] || cp -p "$config" "$config.next"
  cat "$pair" >"$config.next" && commit "$config" || fail not-written "cannot write $config"
}
