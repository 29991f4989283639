#!/bin/sh
# Prints the path of a Node.js that can run the bundle (22.19 or newer), or nothing. Changes nothing, PATH least of all:
# the caller's later steps keep the Node.js they had.

new_enough() {
  [ -x "$1" ] && NODE_OPTIONS='' "$1" -e '
    const [major, minor] = process.versions.node.split(".").map(Number)
    process.exit(major > 22 || (major === 22 && minor >= 19) ? 0 : 1)
  ' >/dev/null 2>&1 </dev/null
}

candidates() {
  command -v node
  tools=${RUNNER_TOOL_CACHE:-${AGENT_TOOLSDIRECTORY:-}}
  if [ -n "$tools" ]; then
    for found in "$tools"/node/*/*/bin/node; do printf '%s\n' "$found"; done
  fi
  # The runner's own: beside its work folder, or mounted into a job container.
  if [ -n "${RUNNER_TEMP:-}" ]; then printf '%s\n' "$RUNNER_TEMP/../../externals/node24/bin/node"; fi
  printf '%s\n' /__e/node24/bin/node /__e/node24_alpine/bin/node
  # A checkout after npm ci.
  printf '%s\n' "$here/../node_modules/.bin/node"
}

main() {
  here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 1
  candidates | while IFS= read -r node; do
    if new_enough "$node"; then
      printf '%s\n' "$node"
      break
    fi
  done
}

main
