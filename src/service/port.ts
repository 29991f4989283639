/**
 * What runs on a node, as data. `words` are arguments for the node's programs: `arg=` for every word of the server's command
 * line (with `{config}` and `{data}` still in them, replaced on the node) and `env=NAME=value` for its environment.
 */
export type Service = {
  kind: 'process'
  words: string[]
  /** The same for a guest on a staging copy: nothing in it may point at production. */
  stageWords: string[]
  /** Exit statuses of a stop that lost nothing. */
  cleanExits: string[]
}
