# Which unit runs the server, with what and where: for a fleet file that is yet to be written. Read as whoever logs in; changes
# nothing. Of the unit's environment only the path of the configuration is read: the rest may be secret.
main() {
  arguments "$@"
  say self "$(id -un)"
  names=$unit
  [ -n "$names" ] || names=$(systemctl --no-pager --plain --no-legend list-units --type=service --all 2>/dev/null | awk '{ print $1 }')
  [ -n "$names" ] || fail not-found "systemctl names no unit here: $(systemctl --no-pager is-system-running 2>&1)"
  # shellcheck disable=SC2086
  found=$(systemctl --no-pager show --property=Id,LoadState,ActiveState,User,WorkingDirectory,ExecStart $names 2>/dev/null |
    awk -v binary="$binary" -v asked="$unit" '
      function tell() {
        path = v["ExecStart"]; sub(/^\{ path=/, "", path); sub(/ ;.*/, "", path)
        words = v["ExecStart"]; sub(/^.*argv\[\]=/, "", words); sub(/ ; ignore_errors=.*/, "", words)
        last = path; sub(/.*\//, "", last)
        if (v["Id"] !~ /^progressdb-rollout-rehearsal-/ && v["LoadState"] == "loaded" && (last == binary || v["Id"] == asked))
          printf "%s\t%s\t%s\t%s\t%s\n", v["Id"], v["ActiveState"], v["User"], v["WorkingDirectory"], words
        split("", v)
      }
      /^$/ { tell(); next }
      { at = index($0, "="); v[substr($0, 1, at - 1)] = substr($0, at + 1) }
      END { tell() }')
  tab=$(printf '\t')
  while IFS= read -r line; do
    [ -z "$line" ] || say found "$line"
  done <<END
$found
END
  [ -z "$found" ] || look_unit_of "$(printf '%s\n' "$found" | head -n 1)"
  printf 'end=ok\n'
}

# look_unit_of LINE: the files that its server is started with.
look_unit_of() {
  words=${1##*"$tab"} rest=${1%"$tab"*}
  folder=${rest##*"$tab"} name=${1%%"$tab"*}
  [ -n "$folder" ] || folder=/
  say program "$(readlink -f "${words%% *}" 2>/dev/null || printf %s "${words%% *}")"
  said=$(systemctl --no-pager show --property=Environment "$name" 2>/dev/null |
    tr ' ' '\n' | sed -n 's/^\(Environment=\)\{0,1\}"\{0,1\}PROGRESSDB_\(SERVER_\)\{0,1\}CONFIG=//p' | head -n 1)
  how='the default of the server' path=config.yaml
  [ -z "$said" ] || { how='Environment= of the unit' path=$said; }
  if option --config "$words" || option -config "$words"; then how='--config of the unit' path=$value; fi
  case $path in /*) ;; *) path=${folder%/}/$path ;; esac
  say config "$path"
  say config_from "$how"
  say folder "$folder"
  if option --db "$words" || option -db "$words"; then say db "$value"; fi
  if option --addr "$words" || option -addr "$words"; then say addr "$value"; fi
  if [ -r "$path" ]; then say config_text "$(cat "$path")"; else say config_closed "$(stat -c '%U' "$path" 2>&1)"; fi
}

# option NAME WORDS: sets $value to what stands behind it.
option() {
  case " $2 " in
  *" $1="*) value=${2#*"$1="} ;;
  *" $1 "*) value=${2#*"$1 "} ;;
  *) return 1 ;;
  esac
  value=${value%% *}
}
main "$@" </dev/null
