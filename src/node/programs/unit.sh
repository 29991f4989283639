# A server that systemd runs. It is known by the unit's main process; nobody but systemd starts or stops it. With scope=user the
# unit is one of the user that logs in, whose own systemd is asked, and nobody has to be root.

# ctl WORD...: the systemd that the unit belongs to.
ctl() {
  if [ "$scope" = user ]; then
    XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)} systemctl --user --no-pager "$@"
  else
    systemctl --no-pager "$@"
  fi
}

# places_of_unit: sets $lib, where the files of an adoption are, and $held_by, what a rollout puts there while it changes the server.
places_of_unit() {
  if [ "$scope" = user ]; then
    lib=$HOME/.local/lib/progressdb-rollout/$unit held_by=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/systemd/user
  else
    lib=/usr/local/lib/progressdb-rollout/$unit held_by=/run/systemd/system
  fi
  held_by=$held_by/$unit.d/95-progressdb-rollout.conf
}

# unit_look UNIT: sets what systemd knows of it.
unit_look() {
  load='' is='' sub='' job=0 main=0 exit_code=0 exit_status=0 settings=''
  while IFS='=' read -r key value; do
    case $key in
    LoadState) load=$value ;;
    ActiveState) is=$value ;;
    SubState) sub=$value ;;
    Job) job=${value:-0} ;;
    MainPID) main=${value:-0} ;;
    ExecMainCode) exit_code=$value ;;
    ExecMainStatus) exit_status=$value ;;
    Restart | Timeout* | Watchdog* | StartLimit*) settings="$settings $key=$value" ;;
    esac
  done <<END
$(ctl show --property=LoadState,ActiveState,SubState,Job,MainPID,ExecMainCode,ExecMainStatus,Restart,TimeoutStartUSec,TimeoutStopUSec,WatchdogUSec,StartLimitBurst,StartLimitIntervalUSec "$1" 2>&1)
END
}

# systemd ends with nothing of it running, and no job of it waiting.
is_down() { [ "$job" = 0 ] && [ "$main" = 0 ] && { [ "$is" = inactive ] || [ "$is" = failed ]; }; }

find_server() {
  server='' pid=''
  unit_look "$unit"
  if [ "$main" != 0 ] && identify "$main"; then server="$main $start $boot" pid=$main; fi
}

# ended_with: sets $status as a shell gives it: the exit status, or 128 and the signal.
ended_with() {
  status=$exit_status
  [ "$exit_code" = 1 ] || status=$((128 + exit_status))
}

say_last_exit() {
  [ -z "$server" ] && [ "$exit_code" != 0 ] || return 0
  ended_with
  say last_exit "$status"
}
say_log() { say server_log "journalctl $(in_scope)--unit=$unit"; }
in_scope() { [ "$scope" != user ] || printf '%s ' --user; }

# by_root WORD...: one of the exact lines that the sudoers file has.
by_root() {
  if [ "$scope" = user ]; then said=$(ctl "$@" 2>&1 9>&-); else said=$(sudo -n systemctl --no-pager "$@" 2>&1 9>&-); fi ||
    fail sudo-refused "systemctl --no-pager $*: $said"
}

# unit_log UNIT LINES: what it wrote last. Its exit status tells the state of the unit, not whether it worked.
unit_log() { unit_status "$1" 2>/dev/null 9>&- | sed '1,/^$/d; s/^[^]]*\]: //' | tail -n "$2"; }
last_words() { unit_log "$unit" "$1"; }
unit_status() {
  if [ "$scope" = user ]; then ctl --full --lines=1000 status "$1"; else sudo -n systemctl --no-pager --full --lines=1000 status "$1"; fi
}

# supervision hold|let-go: two programs of root's, which take no argument.
supervision() {
  places_of_unit
  if [ "$scope" = user ]; then said=$("$lib/$1" 2>&1 9>&-); else said=$(sudo -n "$lib/$1" 2>&1 9>&-); fi ||
    fail sudo-refused "$1: $said"
}

# held is what a rollout has set for the time in which it changes the server.
is_held() { places_of_unit && [ -f "$held_by" ]; }

look_guest() {
  unit_look "$guest"
  if [ "$main" != 0 ] && identify "$main"; then say stage_process "$main $start $boot"; fi
  if is_down && [ "$exit_code" != 0 ]; then ended_with && say stage_exit "$status"; fi
  say stage_log "journalctl $(in_scope)--unit=$guest"
}

look_unit() {
  say unit_load "${load:-unknown}"
  if is_held; then say held 1; else say held 0 && say unit_settings "${settings# }"; fi
  look_adoption
  look_rights
}

# What `adopt` put there for root, and the unit's own files, are they as they were?
look_adoption() {
  places_of_unit
  [ -r "$lib/manifest" ] || return 0
  [ ! -x "$lib/switch" ] || say unit_switch 1
  while read -r sum word; do
    case $sum in
    made-by) say made_by "$word" ;;
    file | moved) ;;
    link)
      [ "$(readlink -f "$word")" = "$(readlink -f "$install/current")/$binary" ] || say changed_since "$word"
      [ "$scope" = user ] || [ ! -w "${word%/*}" ] || say exposed "${word%/*}"
      ;;
    *) [ "$sum" = "$(sha256sum <"$word" | cut -d ' ' -f 1)" ] || say changed_since "$word" ;;
    esac
  done <"$lib/manifest"
}

# This runs as the service's user, who must not be able to change what is started, or who may start it.
look_rights() {
  for word in "$install" "$releases" "$state" "$state/lease" "$state/record.jsonl" "$state/lock"; do
    if [ "$scope" != user ] && [ -w "$word" ]; then say exposed "$word"; fi
  done
  say data_owner "$(stat -c %U "$data" 2>/dev/null)"
  say data_folder "$data"
  say service "$(id -un)"
  [ -w "${data%/*}" ] || say unwritable "${data%/*}"
  [ -w "${config%/*}" ] || say config_fixed 1
}
