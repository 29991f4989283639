#!/usr/bin/env bash
# The tests on containers: a real Docker and a real registry, in a network namespace of their own. Needs root, and says what else is missing.
# scripts/docker.sh [ARGUMENTS OF VITEST]
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin
missing=()
for program in dockerd docker docker-registry containerd runc iptables curl ip unshare haproxy sshd sudo; do
  command -v "$program" >/dev/null || missing+=("$program")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "missing: ${missing[*]} (Debian: docker.io docker-registry iptables curl iproute2 util-linux haproxy openssh-server sudo)" >&2
  exit 1
fi
# namespaces are root's to make
if [ "$(id --user)" -ne 0 ]; then exec sudo --preserve-env=CI "PATH=$PATH" "$0" "$@"; fi
# mounts of a test are its own, too
exec unshare --net --mount -- sh -c 'ip link set lo up && exec "$@"' sh node_modules/.bin/vitest run --config vitest.docker.config.ts "$@"
