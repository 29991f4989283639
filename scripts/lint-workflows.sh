#!/usr/bin/env bash
# Checks the workflows, the examples and the action with actionlint and zizmor: scripts/lint-workflows.sh
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/tools.sh
. scripts/tools.sh

workflows() { grep --files-with-matches '^jobs:' .github/workflows/*.yml examples/*.yml; }

main() {
  local actionlint zizmor files
  actionlint=$(actionlint_path)
  zizmor=$(zizmor_path)
  mapfile -t files < <(workflows)
  "$actionlint" -config-file .github/actionlint.yaml "${files[@]}"
  if [ -e action.yml ]; then files+=(action.yml); fi
  "$zizmor" --offline --quiet "${files[@]}"
  printf '%s files: no findings\n' "${#files[@]}"
}

main
