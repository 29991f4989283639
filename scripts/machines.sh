#!/usr/bin/env bash
# The tests on whole machines: real systemd, sshd and disks, in network namespaces of their own. Needs root, and says what else is missing.
# scripts/machines.sh [ARGUMENTS OF VITEST]
set -euo pipefail
cd "$(dirname "$0")/.."
missing=()
for program in systemd-nspawn sshd ip mkfs.ext4 mkfs.btrfs losetup sudo visudo dbus-daemon perl unshare nsenter tc fsck.ext4 fallocate pgrep faketime; do
  PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null || missing+=("$program")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "missing: ${missing[*]} (Debian: systemd-container openssh-server iproute2 e2fsprogs btrfs-progs util-linux procps sudo dbus perl faketime)" >&2
  exit 1
fi
# namespaces and mounts are root's to make
if [ "$(id --user)" -ne 0 ]; then exec sudo --preserve-env=CI "PATH=$PATH" "$0" "$@"; fi
exec unshare --net -- node_modules/.bin/vitest run --config vitest.machines.config.ts "$@"
