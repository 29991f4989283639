import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ByHand } from './config/hand-flags.ts'
import { type Problem, UserError } from './domain/errors.ts'
import { printable } from './domain/text.ts'
import { ownConfig, type Resolved, resolveHost } from './shell/host-keys.ts'

/** `typed`: the name that the user's own ssh configuration knows it by. */
export type Target = { name: string; typed: string; at: Resolved }

type Asked = { hand: ByHand; env: NodeJS.ProcessEnv; dir: string }

const WORD =
  /^(?:([A-Za-z_][A-Za-z0-9_.-]{0,31})@)?([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)(?::(\d{1,5}))?$/

/** `deploy@db-1`, `deploy@db-2:2222`. Throws `UserError` with every word that is none. */
export async function targetsOf({ hand, env, dir }: Asked): Promise<Target[]> {
  const read = hand.words.map(word => ({ word, found: WORD.exec(word) }))
  const problems = read.filter(({ found }) => !found?.[1]).map(({ word }) => noTarget(word))
  if (hand.words.length === 0) problems.push(noTargets)
  if (problems.length > 0) throw new UserError(...problems)
  const config = ownFile(dir)
  writeFileSync(config, ownConfig(env), { mode: 0o600 })
  const targets = await Promise.all(
    read.map(async ({ found }): Promise<Target> => {
      const [, user = '', host = '', port] = found ?? []
      const at = await resolveHost(
        { host, user, ...(port === undefined ? {} : { port: Number(port) }) },
        env,
        config,
      )
      return { name: nameOf(host), typed: host, at }
    }),
  )
  const clash = clashes(targets)
  if (clash.length > 0) throw new UserError(...clash)
  return targets
}

const ownFile = (dir: string): string => join(dir, 'own_ssh_config')

/** The host that the user's own configuration goes through, by its real address; one of several is more than a fleet file can say. */
export async function jumpOf({ env, dir }: Asked, [first]: Target[]): Promise<Target | undefined> {
  const named = first?.at.jump ?? ''
  if (named === '') return undefined
  const [, user, host, port] = /^(?:([^@]+)@)?([A-Za-z0-9][A-Za-z0-9.-]*)(?::(\d+))?$/.exec(named) ?? []
  if (host === undefined)
    throw new UserError({
      code: 'JUMP_ODD',
      what: `your own ssh configuration goes to the nodes through ${printable(named, 100)}`,
      next: 'a fleet file knows one jump host: write it by hand, as  ssh: { user: …, jump: deploy@bastion }',
    })
  const to = {
    host,
    ...(user === undefined ? {} : { user }),
    ...(port === undefined ? {} : { port: Number(port) }),
  }
  return { name: 'the jump host', typed: host, at: await resolveHost(to, env, ownFile(dir)) }
}

/** The first label of a host name; an address as it is. */
const nameOf = (host: string): string => (/^[\d.]+$/.test(host) ? host : (host.split('.')[0] ?? host))

function clashes(targets: Target[]): Problem[] {
  const of = (key: (t: Target) => string): string[] => [...new Set(targets.map(key))]
  const one = (what: string, all: string[]): Problem => ({
    code: 'TARGETS_DIFFER',
    what: `one fleet has one ${what}, and these have ${all.join(', ')}`,
    next: 'make a fleet file for each, or give the nodes the same',
  })
  const users = of(t => t.at.user)
  const ports = of(t => String(t.at.port))
  const jumps = of(t => t.at.jump || 'none')
  return [
    ...(users.length > 1 ? [one('user that logs in', users)] : []),
    ...(ports.length > 1 ? [one('port of sshd', ports)] : []),
    ...(jumps.length > 1 ? [one('jump host', jumps)] : []),
    ...(of(t => t.name).length < targets.length
      ? [
          {
            code: 'TARGETS_TWICE',
            what: `two nodes would have the same name: ${targets.map(t => t.name).join(', ')}`,
            next: 'name each machine once, by names that differ before the first dot',
          },
        ]
      : []),
  ]
}

const noTarget = (word: string): Problem => ({
  code: 'TARGET_INVALID',
  what: `${printable(word, 100)} names no user and machine`,
  next: 'write  deploy@db-1  or  deploy@db-1.internal:2222: the user that drives the node later, and where it is',
})
const noTargets: Problem = {
  code: 'TARGETS_MISSING',
  what: 'no machine is named',
  next: 'progressdb-rollout init deploy@db-1 deploy@db-2 deploy@db-3',
}
