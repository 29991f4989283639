#!/usr/bin/env bash
# Versions of the programs that check this repository and are not on npm. Each is installed once, into a folder of its
# own version; sourced by .ci/run and the scripts beside this file.

readonly ACTIONLINT_VERSION=1.7.12 ZIZMOR_VERSION=1.32.0 ACT_VERSION=0.2.89 GORELEASER_VERSION=2.15.0
readonly TOOLS=${XDG_CACHE_HOME:-$HOME/.cache}/progressdb-rollout

# go_tool NAME VERSION MODULE: prints the path of the program, building it first where it is missing.
go_tool() {
  local folder=$TOOLS/$1-$2
  if [ ! -x "$folder/$1" ]; then
    GOBIN=$folder go install "$3@v$2" >&2 || return 1
  fi
  printf '%s\n' "$folder/$1"
}

actionlint_path() { go_tool actionlint "$ACTIONLINT_VERSION" github.com/rhysd/actionlint/cmd/actionlint; }
act_path() { go_tool act "$ACT_VERSION" github.com/nektos/act; }
goreleaser_path() { go_tool goreleaser "$GORELEASER_VERSION" github.com/goreleaser/goreleaser/v2; }

zizmor_path() {
  local folder=$TOOLS/zizmor-$ZIZMOR_VERSION
  if [ ! -x "$folder/bin/zizmor" ]; then
    python3 -m venv "$folder" >&2 && "$folder/bin/pip" install --quiet "zizmor==$ZIZMOR_VERSION" >&2 || return 1
  fi
  printf '%s\n' "$folder/bin/zizmor"
}
