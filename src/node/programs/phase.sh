# How far the switch is, in its own file and in the node's record.

# set_phase PHASE WHY
set_phase() {
  { grep -v -e '^phase=' -e '^why=' "$state/switch" && printf '%s\n' "phase=$1" "why=$2"; } >"$state/switch.next" &&
    commit "$state/switch" || fail not-written "cannot write $state/switch"
}

# note_in_record WHAT WHY: one line of the node's own; both words are ours, and the rollout's name is checked.
note_in_record() {
  case $sw_rollout in '' | *[!A-Za-z0-9._-]*) fail bad-argument 'that is no name of a rollout' ;; esac
  printf '{"schema":1,"seq":0,"at":%s000,"type":"fired","rollout":"%s","what":"%s","why":"%s"}\n' \
    "$(date +%s)" "$sw_rollout" "$1" "$2" >"$state/line.next" || fail not-written "cannot write $state"
  file=$state/line.next
  add_to_record
}
