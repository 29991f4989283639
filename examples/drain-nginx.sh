#!/bin/sh
# On a load balancer with nginx: takes one server out of its upstream, or puts it back, and returns once nobody is served the old way.
# drain-nginx.sh out|in NODE, for a file of servers that the upstream includes, each with its node's name behind it:
#   server 10.0.0.11:8080; # db-1
set -eu
servers=${SERVERS:-/etc/nginx/db.servers} nginx=${NGINX_COMMAND:-nginx} pid=${NGINX_PID:-/run/nginx.pid} limit=${LIMIT:-30}

move=${1-} node=${2-}
case $move in out) down=' down' ;; in) down='' ;; *) echo 'out or in?' >&2 && exit 2 ;; esac
grep -q "# $node\$" "$servers" || { echo "$servers names no $node" >&2 && exit 2; }

cp "$servers" "$servers.before"
awk -v node="$node" -v down="$down" '$(NF - 1) == "#" && $NF == node { sub(/( down)?;/, down ";") } { print }' "$servers.before" >"$servers"
$nginx -t -q || { mv "$servers.before" "$servers" && exit 1; }

workers=$(pgrep -P "$(cat "$pid")")
$nginx -s reload
# those before the reload end when their last request has
for worker in $workers; do
  while kill -0 "$worker" 2>/dev/null; do
    [ "$limit" -gt 0 ] || { echo 'requests are still under way' >&2 && exit 1; }
    sleep 1
    limit=$((limit - 1))
  done
done
