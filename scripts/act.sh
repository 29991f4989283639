#!/usr/bin/env bash
# A second opinion on action.yml from a runner that this project did not write:
#
#   scripts/act.sh ACTION WORKSPACE TAG [argument of act ...]
#
# runs the workflow in WORKSPACE/.github/workflows as if TAG had been pushed, on this machine and without Docker. The
# workflow uses the action as a user's does, `OWNER/progressdb-rollout@000…0`, and checks out first: act copies the tree
# then. ACTION is a folder with action.yml and dist/. Ends as the job ends. act differs from GitHub's runner: it sets INPUT_* in run steps, merges the two outputs, and
# kills without SIGINT first, so what concerns those is tested elsewhere.
set -euo pipefail
ROOT=$(cd "$(dirname "$0")/.." && pwd)
readonly ROOT
# shellcheck source=scripts/tools.sh
. "$ROOT/scripts/tools.sh"

# stage_action FOLDER ACTION: what of a published action is run; act copies all of it, so not the whole repository.
stage_action() {
  mkdir "$1"
  cp -R "$2/action.yml" "$2/dist" "$1/"
}

# stub FOLDER SCRIPT: an action that runs SCRIPT, in place of one that act would have to download.
stub() {
  mkdir "$1"
  printf 'name: stub\ndescription: stub\nruns:\n  using: composite\n  steps:\n    - shell: bash\n      run: |\n        %s\n' "$2" >"$1/action.yml"
}

# The nested actions with the commits that action.yml names, each with the folder that stands for it.
nested_actions() {
  local use name
  grep --only-matching --extended-regexp 'uses: [a-z-]+/[a-z-]+@[0-9a-f]{40}' "$ROOT/action.yml" | sort --unique |
    while read -r _ use; do
      name=${use%@*}
      printf '%s=%s\n' "$use" "$1/${name#*/}"
    done
}

commit_workspace() {
  git -C "$1" init --quiet --initial-branch=main
  git -C "$1" add --all
  git -C "$1" -c user.name=act -c user.email=act@localhost commit --quiet --allow-empty --message act
  git -C "$1" tag --force "$2" >/dev/null
}

main() {
  local action=$1 workspace=$2 tag=$3 scratch repositories=() repository
  shift 3
  scratch=$(mktemp --directory)
  # shellcheck disable=SC2064 # expands now: the variable is gone when the trap runs
  trap "rm -rf '$scratch'" EXIT
  stage_action "$scratch/action" "$action"
  stub "$scratch/setup-node" "echo '$(dirname "$(readlink -f "$ROOT/node_modules/.bin/node")")' >> \"\$GITHUB_PATH\""
  stub "$scratch/upload-artifact" 'echo "upload-artifact: not under act"'
  while read -r repository; do
    repositories+=(--local-repository "$repository")
  done < <(nested_actions "$scratch")
  commit_workspace "$workspace" "$tag"
  printf '{"ref":"refs/tags/%s"}\n' "$tag" >"$scratch/event.json"
  cd "$workspace"
  XDG_CACHE_HOME="$scratch/cache" "$(act_path)" push \
    --platform ubuntu-latest=-self-hosted --no-cache-server --pull=false \
    --eventpath "$scratch/event.json" --env "GITHUB_REF=refs/tags/$tag" \
    --local-repository "OWNER/progressdb-rollout@0000000000000000000000000000000000000000=$scratch/action" \
    "${repositories[@]}" "$@"
}

main "$@"
