# How a container is stopped: by the signal that its image asks for, and never by a limit of Docker's own.
ask_to_end() {
  [ "$up_status" != paused ] || dock unpause "$up" >/dev/null 2>&1
  by_signal=$(dock inspect --type container --format '{{.Config.StopSignal}}' "$up" 2>/dev/null)
  dock kill --signal "${by_signal:-TERM}" "$up" >/dev/null 2>&1
}
end_it() { dock kill --signal KILL "$up" >/dev/null 2>&1; }

# exit_status: sets $status, once Docker has taken notice.
exit_status() {
  ended=${up:-$named} status=unknown tries=0
  while see_containers && [ -n "$up" ] && [ "$tries" -lt 100 ]; do tries=$((tries + 1)) && sleep 0.05; done
  line=$(dock inspect --type container --format '{{.State.Status}} {{.State.ExitCode}}' "$ended" 2>/dev/null)
  case $line in 'exited '* | 'dead '*) status=${line#* } ;; esac
}
