# Arm the node: unless somebody goes on speaking for this rollout, it goes back by itself. text= are the parameters; file=, where
# no systemd watches, is the program that does.
main() {
  arguments "$@"
  begin arm critical
  [ -n "$text" ] || fail bad-argument 'no parameters of the switch'
  touching
  if [ -n "$unit" ]; then
    places_of_unit
    # what was put there by `adopt` is what will act
    digest "$lib/switch" || fail not-armed "there is no $lib/switch: adopt the node again"
    text="$text
program=$sum"
  fi
  rm -f "$state/switch-boot"
  printf '%s\n' "$text" 'phase=armed' >"$state/switch.next" && commit "$state/switch" || fail not-written "cannot write $state/switch"
  # point
  watch_over || {
    rm -f "$state/switch"
    fail not-armed 'what would look after the node in our absence could not be started'
  }
  read_switch
  page err "armed for $sw_rollout: unless it is confirmed, this node goes back to $sw_back by itself"
  finish
}

watch_over() {
  if [ -n "$unit" ]; then
    by_root enable --now "$timer"
    return
  fi
  [ -s "$file" ] || fail bad-argument 'no program to watch'
  rm -f "$state/switch-pid"
  (
    trap - TERM HUP INT PIPE
    setsid env -i PATH="$PATH" sh -s <"$file" >>"$state/switch.log" 2>&1 9>&- &
  )
  tries=0
  until first_line "$state/switch-pid" && alive "$line"; do
    tries=$((tries + 1))
    [ "$tries" -lt 500 ] || return 1
    sleep 0.01
  done
  rm -f "$file"
}
main "$@" </dev/null
