# Bringing restored data into place. What was there is set aside, never deleted.

# swap: brings the restored folder into place from any point at which it was cut short; the old one is set aside, once.
swap() {
  [ -f "$notes/swap" ] || return 0
  { read -r id && IFS= read -r aside; } <"$notes/swap"
  touching
  if is_new "$data"; then
    [ ! -d "$restoring" ] || mv -T "$restoring" "$aside"
  elif ! is_new "$restoring"; then
    fail swap-stuck "neither $data nor $restoring is the restored data: look at them before anything else"
  elif [ ! -e "$data" ]; then
    mv -T "$restoring" "$data"
  else
    # something made a data folder anew in between: that one is set aside as well
    [ ! -e "$aside" ] || aside=$aside-stray-$$
    exchange
  fi || fail swap-failed "could not rename in ${data%/*}"
  # point
  durable "${data%/*}" || fail swap-failed "cannot write ${data%/*}"
  rm -f "$notes/swap"
}
is_new() {
  marks "$1"
  [ "$swap_id" = "$id" ]
}
# In one step where mv and the file system can (coreutils 9.5, renameat2); else in two, and a file `swap` decides in between.
exchange() {
  if mv --exchange -T "$restoring" "$data" 2>/dev/null; then
    # point
    mv -T "$restoring" "$aside"
  else
    mv -T "$data" "$aside" &&
      # point
      mv -T "$restoring" "$data"
  fi
}
