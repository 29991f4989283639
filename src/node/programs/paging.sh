# What a person must hear of although nobody is there: in the node's own log, at a level that wakes somebody.

# page LEVEL TEXT
page() {
  logger -t progressdb-rollout -p "daemon.$1" -- "$2" 2>/dev/null 9>&- || printf '%s\n' "$2" >&2
}
