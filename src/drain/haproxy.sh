# HAProxy, asked over its runtime socket: takes servers out of traffic (kind=out), lets them in again (in), or says in advance why it
# would not (check). Given by whoever runs it: kind, sockets (paths, or HOST:PORT), servers (BACKEND/SERVER), limit (s), at_limit.
LC_ALL=C
export LC_ALL
: "${kind:?} ${sockets:?} ${servers:?} ${limit:?} ${at_limit:?}"

main() {
  case $kind in
  out) take_out ;;
  in) let_in ;;
  check) check ;;
  esac
}

# No new request first; then, once those under way have ended, nobody at all: one that is only drained still gets whoever has a cookie.
take_out() {
  began=$(uptime_now) most=0 told=''
  for state in drain maint; do
    each "set server %s state $state"
    await_quiet
  done
}

await_quiet() {
  until is_quiet; do
    if [ "$(left)" -le 0 ]; then
      [ "$at_limit" = close ] || die "$sessions requests still under way $limit s after it was drained (at-limit: close would end them)"
      each 'shutdown sessions server %s'
      return
    fi
    sleep 0.2
  done
}

# HAProxy takes whatever is let in for up (`UP 1/3`) until it has looked itself.
let_in() {
  each 'set server %s state ready'
  began=$(uptime_now)
  until are_up; do
    [ "$(left)" -gt 0 ] || die "$server is $status $limit s after it was let in"
    sleep 0.2
  done
}

check() {
  for socket in $sockets; do
    level=$(ask "$socket" 'show cli level') || die "$level"
    [ "$level" = admin ] || die "$socket: its level is ${level:-not known}, and only an admin may change the state of a server"
    for server in $servers; do
      look_up "$server"
      case $status in
      UP* | 'no check') ;;
      # what a rollout before has taken out
      MAINT* | DRAIN*) [ "${NODE_TRAFFIC:-in}" != in ] || die "$server is $status: somebody else has taken it out of traffic" ;;
      *) die "$server is $status" ;;
      esac
    done
  done
}

# each COMMAND: to every server of every HAProxy; one that did as it was told says nothing.
each() {
  for socket in $sockets; do
    for server in $servers; do
      # shellcheck disable=SC2059
      said=$(ask "$socket" "$(printf "$1" "$server")") || die "$said"
      [ -z "$said" ] || die "$socket: $said"
    done
  done
}

is_quiet() {
  sessions=0
  for socket in $sockets; do
    for server in $servers; do
      look_up "$server"
      sessions=$((sessions + current))
    done
  done
  [ "$sessions" -le "$most" ] || most=$sessions
  if [ "$sessions" != "$told" ]; then
    told=$sessions
    { printf 'progress=drained %s %s requests\n' $((most - sessions)) "$most" >&8; } 2>/dev/null || :
  fi
  [ "$sessions" -eq 0 ]
}

are_up() {
  for socket in $sockets; do
    for server in $servers; do
      look_up "$server"
      case $status in UP | 'no check') ;; *) return 1 ;; esac
    done
  done
}

# look_up SERVER: sets $status and $current, its requests under way and in its queue.
look_up() {
  stat=$(ask "$socket" 'show stat') || die "$stat"
  row=$(printf '%s\n' "$stat" | awk -F , -v server="$1" '
    sub(/^# /, "") { for (i = 1; i <= NF; i++) at[$i] = i; next }
    $at["pxname"] "/" $at["svname"] == server { print $at["scur"] + $at["qcur"], $at["status"]; exit }')
  [ -n "$row" ] || die "$socket: there is no server $1"
  current=${row%% *} status=${row#* }
}

# ask SOCKET COMMAND: prints the answer without empty lines; where there is none, why, and fails.
ask() {
  if command -v perl >/dev/null; then
    perl -e "$IN_PERL" "$1" "$2" 2>&1
  elif command -v python3 >/dev/null; then
    python3 -c "$IN_PYTHON" "$1" "$2" 2>&1
  else
    printf 'neither perl nor python3 is here to ask %s with\n' "$1"
    return 1
  fi
}

# shellcheck disable=SC2016
IN_PERL='use strict; use Socket qw(:DEFAULT getaddrinfo); $| = 1;
my ($to, $command) = @ARGV;
$SIG{ALRM} = sub { print "$to: no answer within 10 s\n"; exit 1 };
alarm 10;
my $on;
if ($to =~ m{^/}) {
  socket($on, PF_UNIX, SOCK_STREAM, 0) && connect($on, pack_sockaddr_un($to)) or do { print "$to: $!\n"; exit 1 };
} else {
  my ($host, $port) = $to =~ /^\[?(.*?)\]?:(\d+)$/;
  my ($wrong, @found) = getaddrinfo($host, $port, { socktype => SOCK_STREAM });
  my $why = $wrong;
  for my $at (@found) {
    socket($on, $at->{family}, SOCK_STREAM, 0) && connect($on, $at->{addr}) and do { $why = ""; last };
    $why = $!;
  }
  if ("$why" ne "") { print "$to: $why\n"; exit 1 }
}
syswrite($on, "$command\n");
while (my $line = <$on>) { print $line if $line =~ /\S/ }'

IN_PYTHON='import socket, sys
to, command = sys.argv[1:]
try:
    if to.startswith("/"):
        on = socket.socket(socket.AF_UNIX)
        on.settimeout(10)
        on.connect(to)
    else:
        host, port = to.rsplit(":", 1)
        on = socket.create_connection((host.strip("[]"), int(port)), 10)
    on.sendall((command + "\n").encode())
    said = b""
    while True:
        more = on.recv(65536)
        if not more:
            break
        said += more
except OSError as wrong:
    print(to + ": " + str(wrong.strerror or "no answer within 10 s"))
    sys.exit(1)
for line in said.decode("utf-8", "replace").splitlines():
    if line.strip():
        print(line)'

uptime_now() { read -r up rest </proc/uptime && printf '%s' "${up%.*}"; }
left() { printf '%s' $((began + limit - $(uptime_now))); }
die() {
  printf 'HAProxy: %s\n' "$1"
  exit 1
}
main
