# For the two programs that run as root (with scope=user as that user), once in a node's life, after a person has read what they
# will do and said yes.
set -u
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL

fail() {
  printf 'why=%s\nend=%s\n' "$(printf %s "$2" | tr '\n%' '  ')" "$1"
  exit 1
}

# reload: the systemd that the unit belongs to reads its files anew.
reload() {
  if [ "$scope" = user ]; then
    XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)} systemctl --user daemon-reload
  else
    systemctl daemon-reload
  fi
}

# exchange A B: both change places in one step.
exchange() {
  mv --exchange -T "$1" "$2" 2>/dev/null && return
  number=316
  [ "$(uname -m)" != aarch64 ] || number=276
  # renameat2 with RENAME_EXCHANGE
  perl -e 'exit(syscall($ARGV[2] + 0, -100, $ARGV[0], -100, $ARGV[1], 2) ? 1 : 0)' "$1" "$2" "$number" 2>/dev/null && return
  python3 -c 'import ctypes, sys; sys.exit(1 if ctypes.CDLL(None).syscall(int(sys.argv[3]), -100, sys.argv[1].encode(), -100, sys.argv[2].encode(), 2) else 0)' "$1" "$2" "$number"
}
