# Rehearsals are guests on a production node: last in line for processor and disk, first to go when memory is short.
as_guest() {
  renice -n 19 -p $$ >/dev/null 2>&1 || :
  if command -v ionice >/dev/null; then ionice -c 3 -p $$ 2>/dev/null || :; fi
}

# say_guest_place: where a guest listens and finds its data, as it sees it itself.
say_guest_place() {
  say stage_listen 127.0.0.1
  say stage_data "$staging/data"
}

# stop_guest: ends the process on the staging copy, whatever it says. Sets $guest_exit.
stop_guest() {
  guest_exit=''
  first_line "$staging/pid"
  server=$line
  if alive "$server"; then
    touching
    kill -TERM "${server%% *}" 2>/dev/null
    wait_gone "$limit" || { alive "$server" && kill -KILL "${server%% *}" && wait_gone 10; }
  fi
  tries=0
  while [ -f "$staging/pid" ] && [ ! -f "$staging/exit" ] && [ "$tries" -lt 50 ]; do tries=$((tries + 1)) && sleep 0.02; done
  first_line "$staging/exit"
  guest_exit=${line%% *}
  rm -f "$staging/pid" "$staging/config"
}
