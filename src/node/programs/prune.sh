# Remove checkpoints older than older= seconds and releases that nothing needs. keep= (repeated) names what stays. Data that was
# set aside is never removed here.
main() {
  arguments "$@"
  begin prune interruptible
  touching
  rm -rf "$snapshots"/*.deleting
  oldest=$(($(date +%s) - older)) needed=' ' kept=' '
  for word; do case $word in keep=*) kept="$kept${word#*=} " ;; esac; done
  marks "$data"
  for entry in "$snapshots"/*/META; do
    [ -f "$entry" ] || continue
    entry=${entry%/META}
    read_meta "$entry"
    case "$kept" in *" ${entry##*/} "*) needed="$needed$meta_sha " && continue ;; esac
    if [ "${meta_at%000}" -ge "$oldest" ] || [ "$meta_opens" = "$opens" ]; then needed="$needed$meta_sha " && continue; fi
    mv -T "$entry" "$entry.deleting" && rm -rf "$entry.deleting"
    say pruned "${entry##*/}"
  done
  prune_releases
  finish
}

prune_releases() {
  active
  find_server
  for entry in "$releases"/*/release; do
    [ -f "$entry" ] || continue
    first_line "$entry"
    # shellcheck disable=SC2086
    set -- $line
    entry=${entry%/release}
    case "$kept$active " in *" ${entry##*/} "*) continue ;; esac
    case "$needed$opened_sha " in *" $2 "*) continue ;; esac
    [ "$(stat -c %Z "$entry")" -lt "$oldest" ] || continue
    [ -z "$pid" ] || [ "$(stat -L -c %d:%i "/proc/$pid/exe")" != "$(stat -c %d:%i "$entry/${3:-release}")" ] || continue
    rm -rf "$entry"
    say pruned "${entry##*/}"
  done
}
main "$@" </dev/null
