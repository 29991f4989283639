# A guest in a container of its own: on a network that leads nowhere, with nothing mounted but the copy.

# say_guest_place: it listens in a network of its own, and finds the copy where the server finds its data.
say_guest_place() {
  say stage_listen 0.0.0.0
  find_server
  inside "$named" "$data"
  say stage_data "$as_seen"
}

# stop_guest: ends and removes it, whatever it says. Sets $guest_exit.
stop_guest() {
  guest_exit=''
  seen_guest=$(dock inspect --type container --format "$LINE" "$container.rehearsal" 2>/dev/null) || docker_answers
  if [ -n "$seen_guest" ]; then
    touching
    dock stop --time "$limit" "$container.rehearsal" >/dev/null 2>&1
    guest_exit=$(dock inspect --type container --format '{{.State.ExitCode}}' "$container.rehearsal" 2>/dev/null)
    dock rm --force --volumes "$container.rehearsal" >/dev/null 2>&1
  fi
  dock network rm "$container.rehearsal" >/dev/null 2>&1 || :
  rm -f "$staging/config"
}
