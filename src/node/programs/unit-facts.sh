# What an adoption needs to know of a unit, read as whoever logs in. Changes nothing.
main() {
  arguments "$@"
  ctl show --property=User,Group,FragmentPath,ProtectSystem "$unit" 2>&1 |
    while IFS='=' read -r key value; do
      [ "$scope $key" = 'user User' ] || say "unit_$(printf %s "$key" | tr '[:upper:]' '[:lower:]')" "$value"
    done
  cut='.d/50-progressdb-rollout.conf'
  if [ "$scope" = user ]; then
    say unit_user "$(id -un)"
    say home "$HOME"
    say runtime "${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"
    say linger "$(loginctl show-user "$(id -un)" --property=Linger --value 2>/dev/null)"
    say unconfined 'a rehearsal runs as the user of the server, with nothing but its configuration between it and the live data (a unit of a user)'
  fi
  # as it is written, without what an adoption added; a line may go on in the next
  words=$(ctl cat "$unit" 2>/dev/null | sed -e ':more' -e '/\\$/{N;s/\\\n/ /;b more' -e '}' |
    awk -v cut="$cut" '/^# \// { skip = (index($0, cut) > 0) } !skip')
  printf '%s\n' "$words" | sed -n 's/^\(Environment\|EnvironmentFile\|Limit[A-Z]*\|Group\|SupplementaryGroups\|UMask\)=/carried=&/p' |
    while IFS= read -r line; do say carried "${line#carried=}"; done
  # an empty line takes back those before it
  line=$(printf '%s\n' "$words" | awk '/^ExecStart=/ { sub(/^ExecStart= */, ""); if ($0 == "") n = 0; else { n++; last = $0 } } END { print (n > 1 ? "several" : last) }')
  say exec_start "$line"
  look_binary "$(printf %s "${line%% *}" | sed 's/^[-@:+!]*//')"
  say data_folder "$data"
  say data_owner "$(stat -c %U "$data" 2>/dev/null)"
  cgroup=$(stat -f -c %T /sys/fs/cgroup 2>/dev/null) || cgroup=''
  [ "$cgroup" = cgroup2fs ] || say unconfined 'it may reach other machines (no cgroup v2 here, so systemd cannot keep it on loopback)'
  printf 'end=ok\n'
}

# look_binary PATH: what the unit starts, and whose it is.
look_binary() {
  say binary_path "$1"
  say binary_link "$(readlink "$1" 2>/dev/null)"
  if [ -e "$1.before-rollout" ] && digest "$1.before-rollout"; then say before_sha "$sum"; fi
  [ -e "$1" ] || return 0
  say binary_is "$(readlink -f "$1")"
  if digest "$1"; then say binary_sha "$sum"; fi
  for entry in "$1" "$(readlink -f "$1")"; do
    owner_of "$entry" && say package "$owned" && return 0
  done
}

# owner_of PATH: sets $owned to the package that the file belongs to, by whichever package manager there is.
owner_of() {
  if command -v dpkg >/dev/null; then owned=$(dpkg -S "$1" 2>/dev/null) && owned="package ${owned%%:*} (dpkg)" && return 0; fi
  if command -v rpm >/dev/null; then owned=$(rpm -qf --qf '%{NAME}' "$1" 2>/dev/null) && owned="package $owned (rpm)" && return 0; fi
  if command -v apk >/dev/null; then owned=$(apk info -W "$1" 2>/dev/null | grep 'is owned by') && owned="package ${owned##* } (apk)" && return 0; fi
  if command -v pacman >/dev/null; then owned=$(pacman -Qoq "$1" 2>/dev/null) && owned="package $owned (pacman)" && return 0; fi
  return 1
}
main "$@" </dev/null
