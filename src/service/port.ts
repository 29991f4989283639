/**
 * A server that we start ourselves. `words` are arguments for the node's programs: `arg=` for every word of the server's command
 * line (with `{config}` and `{data}` still in them, replaced on the node) and `env=NAME=value` for its environment.
 */
export type ProcessServer = {
  kind: 'process'
  words: string[]
  /** The same for a guest on a staging copy: nothing in it may point at production. */
  stageWords: string[]
  /** Exit statuses of a stop that lost nothing. */
  cleanExits: string[]
}

/** A server that systemd starts, as the user that its unit names. */
export type UnitServer = { kind: 'systemd'; unit: string; scope: 'system' | 'user'; cleanExits: string[] }

/**
 * A server in a container of Docker, of which each release has its own.
 * `container` its name, with `{name}` for the node's. `image` without a tag; `tag` with `{version}` for that of the release.
 * `socket` of the Docker daemon on the node. `program` path in the image of what the release's archive holds, '' where nothing is compared.
 */
export type ContainerServer = {
  kind: 'docker'
  container: string
  image: string
  tag: string
  socket: string
  program: string
  cleanExits: string[]
}

/** What runs on a node, as data. */
export type Service = ProcessServer | UnitServer | ContainerServer
