# What digest a tag (name=) has in its registry now, asked by the node's own Docker with its own credentials. Changes nothing.
main() {
  arguments "$@"
  docker_answers
  credentials
  engine_asks || registry_fails "$image:$name: $(message)"
  digest_said=$(printf '%s' "$said" | sed -n 's/.*"digest" *: *"\(sha256:[0-9a-f]\{64\}\)".*/\1/p')
  say image_digest "${digest_said#sha256:}"
  printf 'end=ok\n'
}

engine_asks() {
  api=$(dock version --format '{{.Client.APIVersion}}' 2>/dev/null)
  said=$(printf '%s' "$auth" | sed 's/^/header = "X-Registry-Auth: /; s/$/"/' |
    curl --silent --show-error --max-time 60 --config - --unix-socket "$socket" --write-out '\n%{http_code}' "http://docker/v$api/distribution/$image:$name/json" 2>&1)
  http=${said##*
}
  said=${said%
*}
  case $http in 2??) ;; *) return 1 ;; esac
}

# credentials: sets $auth to what `docker login` left for this registry, as Docker's own header; empty where there is nothing.
credentials() {
  auth=''
  host=${image%%/*}
  case $image in */*) ;; *) host='' ;; esac
  case $host in *[.:]* | localhost) ;; *) host='' ;; esac
  case $host in '' | docker.io) host='https://index.docker.io/v1/' ;; esac
  kept=${DOCKER_CONFIG:-${HOME:-}/.docker}/config.json
  [ -r "$kept" ] || return 0
  found=$(tr -d '\n\t' <"$kept")
  asker=$(field "$host" "$(object credHelpers "$found")")
  [ -n "$asker" ] || asker=$(field credsStore "$found")
  if [ -n "$asker" ]; then
    login=$(printf '%s' "$host" | "docker-credential-$asker" get 2>/dev/null) || return 0
    auth=$(printf '%s' "$login" | sed 's/"Username"/"username"/; s/"Secret"/"password"/' | as_header)
    return
  fi
  login=$(field auth "$(object "$host" "$found")" | base64 -d 2>/dev/null) || return 0
  [ -n "$login" ] || return 0
  auth=$(printf '{"username":"%s","password":"%s"}' "$(escaped "${login%%:*}")" "$(escaped "${login#*:}")" | as_header)
}
as_header() { base64 | tr -d '\n' | tr '+/' '-_'; }
escaped() { printf '%s' "$1" | sed 's/[\\"]/\\&/g'; }
# object NAME JSON, field NAME JSON: of a flat file that docker itself wrote.
object() { printf '%s' "$2" | awk -v name="\"$1\"" '{ at = index($0, name); if (at == 0) exit; rest = substr($0, at + length(name)); from = index(rest, "{"); to = index(rest, "}"); print substr(rest, from, to - from + 1) }'; }
field() { printf '%s' "$2" | awk -v name="\"$1\"" '{ at = index($0, name); if (at == 0) exit; rest = substr($0, at + length(name)); if (match(rest, /^ *: *"[^"]*"/)) { value = substr(rest, RSTART, RLENGTH); sub(/^ *: *"/, "", value); sub(/"$/, "", value); print value } }'; }
main "$@" </dev/null
