import { describe, expect, test } from 'vitest'
import type { Inputs } from '../../src/config/config.ts'
import { parseConfig } from '../../src/config/file.ts'
import { environmentSource, readInputs } from '../../src/config/inputs.ts'
import { missingSsh } from '../../src/config/ssh-inputs.ts'
import { UserError } from '../../src/domain/errors.ts'

const REST = `process: {}
repository: a/b
install: /opt/db
data: /var/lib/db
`
const read = (text: string) => parseConfig(`${text}\n${REST}`, 'rollout.yml')
const codes = (text: string): string[] => {
  try {
    read(text)
    return []
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return error.problems.map(p => p.code)
  }
}
const inputs = (given: Partial<Inputs> = {}): Inputs => ({
  ...readInputs(environmentSource({ INPUT_MODE: 'status' }, {})),
  ...given,
})

describe('nodes over ssh', () => {
  test('are named by their machine, and answer on its loopback', () => {
    const { nodes, shell } = read(
      'ssh: { user: deploy }\nnodes: [db-1.internal, { name: db-2, host: 10.0.0.2, port: 9000 }]',
    )
    expect(shell).toEqual({ kind: 'ssh', user: 'deploy', plainHttp: false })
    expect(nodes.map(({ url, machine, listens }) => ({ url, machine, listens }))).toEqual([
      {
        url: 'http://db-1.internal:8080',
        machine: { host: 'db-1.internal', port: 22, user: 'deploy' },
        listens: { host: '127.0.0.1', port: 8080 },
      },
      {
        url: 'http://10.0.0.2:9000',
        machine: { host: '10.0.0.2', port: 22, user: 'deploy' },
        listens: { host: '127.0.0.1', port: 9000 },
      },
    ])
  })
  test('have the same folders, one on each machine', () => {
    expect(codes('ssh: { user: deploy }\nnodes: [db-1, db-2]')).toEqual([])
    expect(
      codes('ssh: { user: deploy }\nnodes: [{ name: a, host: db }, { name: b, host: db, port: 81 }]'),
    ).toContain('PATHS_SHARED')
  })
  test('lie behind a jump host, whose user is theirs unless it has its own', () => {
    const jump = (text: string) => {
      const { shell } = read(`ssh: { user: deploy, jump: "${text}" }\nnodes: [db-1]`)
      return shell.kind === 'ssh' ? shell.jump : undefined
    }
    expect(jump('bastion')).toEqual({ host: 'bastion', port: 22, user: 'deploy' })
    expect(jump('ana@10.1.1.1:2222')).toEqual({ host: '10.1.1.1', port: 2222, user: 'ana' })
  })
  test('get no key in the clear, unless somebody says so', () => {
    const direct = 'ssh: { user: deploy, connect: direct'
    expect(codes(`${direct} }\nnodes: [db-1]`)).toEqual(['PLAIN_HTTP'])
    expect(codes(`${direct}, plain-http: true }\nnodes: [db-1]`)).toEqual([])
    expect(codes(`${direct} }\nnodes: [{ name: db-1, url: "https://db-1:8443" }]`)).toEqual([])
  })
  test.each(['-oProxyCommand=x', 'a b', 'a\\nb', '$(id)', 'a;b', "a'b"])(
    'never have %s for a user, a host or a jump',
    text => {
      expect(codes(`ssh: { user: "${text}" }\nnodes: [db-1]`)).not.toEqual([])
      expect(codes(`ssh: { user: a, jump: "${text}" }\nnodes: [db-1]`)).not.toEqual([])
      expect(codes(`ssh: { user: a }\nnodes: [{ name: db-1, host: "${text}" }]`)).not.toEqual([])
    },
  )
})

describe('what a job must give', () => {
  const config = read('ssh: { user: deploy, port: 2222, jump: bastion }\nnodes: [db-1, db-2]')
  test('known hosts and a key, both told at once', () => {
    const told = missingSsh(config, inputs(), { ci: true, agent: false })
    expect(told.map(p => p.code)).toEqual(['SSH_KNOWN_HOSTS_MISSING', 'SSH_KEY_MISSING'])
    expect(told[0]?.next).toContain('bastion db-1 db-2')
  })
  test('an agent serves for a key', () => {
    expect(missingSsh(config, inputs({ sshKnownHosts: 'x' }), { ci: true, agent: true })).toEqual([])
  })
  test('by hand, and for local nodes, nothing', () => {
    expect(missingSsh(config, inputs(), { ci: false, agent: false })).toEqual([])
    expect(missingSsh(read('local: true\nnodes: [db-1]'), inputs(), { ci: true, agent: false })).toEqual([])
  })
})
