# Docker freezes all that runs in a container.
freeze() { dock pause "$up" >/dev/null 2>&1; }
thawing() { printf 'docker -H unix://%s unpause %s' "$socket" "$up"; }
stands() { [ "$(dock inspect --type container --format '{{.State.Paused}}' "$up" 2>/dev/null)" = true ]; }
