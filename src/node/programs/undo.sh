# Take back what setup did, by its own list: links and data to where they were, files of root's removed. Nothing is restarted.
main() {
  lib='' unit='' timer='' scope=system
  for word; do
    case $word in
    lib=*) lib=${word#*=} ;;
    unit=*) unit=${word#*=} ;;
    timer=*) timer=${word#*=} ;;
    scope=*) scope=${word#*=} ;;
    esac
  done
  # what one that was cut short did last is done once more
  [ -f "$lib/manifest" ] || { printf 'was=not-adopted\n' && remove_lib && printf 'end=ok\n' && return; }
  while read -r kind path; do
    case $kind in
    link) [ ! -e "$path.before-rollout" ] || mv -f -T "$path.before-rollout" "$path" || fail adoption-failed "cannot put $path back" ;;
    moved) move_back "$path" ;;
    esac
  done <"$lib/manifest"
  while read -r kind path; do
    case $path in "$lib"/* | /etc/sudoers.d/progressdb-rollout* | /etc/systemd/system/*rollout* | */.config/systemd/user/*rollout*) rm -f "$path" || fail adoption-failed "cannot remove $path" ;; esac
  done <"$lib/manifest"
  run=/run/systemd/system etc=/etc/systemd/system
  [ "$scope" != user ] || run=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/systemd/user etc=$HOME/.config/systemd/user
  rm -f "$run/$unit.d/95-progressdb-rollout.conf" "$etc/timers.target.wants/$timer"
  rmdir "$run/$unit.d" "$etc/$unit.d" 2>/dev/null
  reload || fail adoption-failed 'systemctl daemon-reload failed'
  rm -f "$lib/manifest"
  remove_lib
  printf 'end=ok\n'
}

remove_lib() {
  rm -rf "$lib"
  rmdir "${lib%/*}" 2>/dev/null || :
}

move_back() {
  [ -L "$1" ] || return 0
  home=$1.node
  exchange "$home/data" "$1" || fail adoption-failed "cannot exchange $1 with $home/data in one step"
  rm -f "$home/data"
  # what rollouts kept stays where it is
  rmdir "$home" 2>/dev/null || printf 'left=%s\n' "$home"
}
main "$@" </dev/null
