# What the server wrote last. A line that was cut could hold half a secret, which nothing would find: the first is left out.
main() {
  arguments "$@"
  last_words 1000 | tail -c 200000 | sed '1d; s/%/%25/g; s/^/log=/'
  printf 'end=ok\n'
}
main "$@" </dev/null
