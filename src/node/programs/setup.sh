# The part of an adoption that needs root, once: folders, and files that nobody else may write. Every word says one thing to do:
#   own=OWNER MODE PATH     a folder
#   put=MODE PATH BASE64    a file of root's
#   link=PATH TARGET        what the unit starts becomes a link; what was there is kept beside it
#   move=DATA OWNER:GROUP   the data folder gets a folder of its user's own above it, and a link in its old place
# Done already: nothing to do. Nothing is restarted.
main() {
  lib='' fragments='' made_by='' scope=system
  for word; do
    case $word in
    lib=*) lib=${word#*=} ;;
    fragment=*) fragments="$fragments ${word#*=}" ;;
    made_by=*) made_by=${word#*=} ;;
    scope=*) scope=${word#*=} ;;
    esac
  done
  umask 022
  for word; do
    case $word in
    move=*) move_data "${word#*=}" ;;
    own=*) own_folder "${word#*=}" ;;
    put=*) put_file "${word#*=}" ;;
    link=*) link_binary "${word#*=}" ;;
    esac
  done
  if [ -n "$lib" ]; then
    manifest "$@"
    reload || fail adoption-failed 'systemctl daemon-reload failed'
  fi
  printf 'end=ok\n'
}

own_folder() {
  owner=${1%% *} path=${1#* * } mode=${1#* }
  mode=${mode%% *}
  [ ! -L "$path" ] || fail adoption-failed "$path is a link"
  [ -d "$path" ] || mkdir -p "$path" || fail adoption-failed "cannot make $path"
  chown -h "$owner" "$path" && chmod "$mode" "$path" || fail adoption-failed "cannot give $path to $owner"
}

put_file() {
  mode=${1%% *} rest=${1#* }
  path=${rest%% *} rest=${rest#* }
  mkdir -p "${path%/*}" || fail adoption-failed "cannot make ${path%/*}"
  # a name that sudo and systemd leave alone
  part=${path%/*}/.${path##*/}~
  printf %s "$rest" | base64 -d >"$part" && chmod "$mode" "$part" || fail adoption-failed "cannot write $part"
  case $path in
  /etc/sudoers.d/*) said=$(visudo -c -q -f "$part" 2>&1) || { rm -f "$part" && fail adoption-failed "visudo does not accept the file: $said"; } ;;
  esac
  mv -f "$part" "$path" || fail adoption-failed "cannot write $path"
}

link_binary() {
  path=${1%% *} target=${1#* }
  [ "$(readlink "$path")" != "$target" ] || return 0
  keep_before || fail adoption-failed "cannot keep $path"
  rm -f "$path.rollout-new" && ln -s "$target" "$path.rollout-new" && mv -f -T "$path.rollout-new" "$path" || fail adoption-failed "cannot replace $path"
}

keep_before() {
  if [ -e "$path.before-rollout" ]; then
    # one that was cut short kept it
    cmp -s "$path" "$path.before-rollout" || fail adoption-failed "$path.before-rollout is there already: an adoption that was not undone?"
  else
    ln -P "$path" "$path.before-rollout" 2>/dev/null || { cp -a "$path" "$path.rollout-new" && mv -f -T "$path.rollout-new" "$path.before-rollout"; }
  fi
}

# A server may have the folder open: at every instant its path leads to the data.
move_data() {
  from=${1%% *} owner=${1#* }
  home=$from.node
  [ ! -L "$from" ] || return 0
  { mkdir -p "$home" && chown "$owner" "$home" && chmod 750 "$home"; } || fail adoption-failed "cannot make $home"
  [ "$(stat -c %d "$from")" = "$(stat -c %d "$home")" ] || fail adoption-failed "$from is a file system of its own: use a folder on it as data"
  rm -f "$home/data"
  ln -s "$home/data" "$home/data" && exchange "$home/data" "$from" || fail adoption-failed "cannot exchange $from with a link to $home/data in one step"
}

# What is there now, with its digest: of our files and of the unit's own, so that any later change of either is seen.
manifest() {
  {
    printf 'made-by %s\n' "$made_by"
    # what an earlier adoption did can still be undone
    [ ! -f "$lib/manifest" ] || grep -E '^(link|moved) ' "$lib/manifest"
    for word; do
      case $word in
      put=*) word=${word#put=* } && word=${word%% *} ;;
      link=*) word=${word#*=} && printf 'link %s\n' "${word%% *}" && continue ;;
      move=*) word=${word#*=} && printf 'moved %s\n' "${word%% *}" && continue ;;
      *) continue ;;
      esac
      # the sudoers file is nobody else's to read
      case $word in /etc/sudoers.d/*) printf 'file %s\n' "$word" && continue ;; esac
      printf '%s %s\n' "$(sha256sum <"$word" | cut -d ' ' -f 1)" "$word"
    done
    for word in $fragments; do printf '%s %s\n' "$(sha256sum <"$word" | cut -d ' ' -f 1)" "$word"; done
  } >"$lib/.manifest~" && mv -f "$lib/.manifest~" "$lib/manifest" || fail adoption-failed "cannot write $lib/manifest"
}
main "$@" </dev/null
