import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../src/config/file.ts'
import { fleetFile, type FoundFleet, type FoundNode } from '../../src/domain/fleet-file.ts'

const found = (name: string, more: Partial<FoundNode> = {}): FoundNode => ({
  name,
  host: `${name}.internal`,
  service: {
    kind: 'systemd',
    unit: { is: 'progressdb.service', from: 'the unit that starts /usr/local/bin/progressdb' },
  },
  user: 'progressdb',
  install: { is: '/opt/progressdb', from: 'a choice: adopt makes it' },
  data: { is: '/srv/data', from: 'server.db_path' },
  config: { is: '/etc/progressdb.yaml', from: '--config of the unit' },
  port: { is: 8080, from: 'server.port' },
  version: 'v0.2.1',
  intakeWal: true,
  ...more,
})
const fleet = (nodes: FoundNode[], more: Partial<FoundFleet> = {}): FoundFleet => ({
  nodes,
  user: 'deploy',
  port: 22,
  jump: { is: '', from: '' },
  repository: { is: 'progressdb/ProgressDB', from: 'whose releases' },
  ...more,
})
const text = (of: FoundFleet): string => {
  const made = fleetFile(of)
  if ('problems' in made) throw new Error(JSON.stringify(made.problems))
  return made.text
}

test('what all nodes share stands once, and what differs with its node; every line says where it came from', () => {
  const other = { is: '/srv/o, ther', from: 'server.db_path' }
  const written = text(
    fleet([found('db-1'), found('db-2', { data: other, port: { is: 9090, from: '--addr' } })], {
      port: 2222,
      jump: { is: 'deploy@bastion', from: 'your own ssh configuration' },
    }),
  )
  const config = parseConfig(written, 'rollout.yml')
  expect(config.nodes).toMatchObject([
    {
      name: 'db-1',
      data: '/srv/data',
      config: '/etc/progressdb.yaml',
      machine: { host: 'db-1.internal', port: 2222 },
    },
    { name: 'db-2', data: '/srv/o, ther', listens: { port: 9090 } },
  ])
  expect(config).toMatchObject({
    service: { kind: 'systemd', unit: 'progressdb.service' },
    shell: { kind: 'ssh', jump: { host: 'bastion', user: 'deploy' } },
    canary: ['db-1'],
  })
  for (const line of written.split('\n').slice(1, -1)) expect(line).toMatch(/^nodes:$|  # ./)
})

test('a server whose stop may lose writes gets a hint on the two ways out', () => {
  expect(text(fleet([found('db-1')]))).not.toContain('drain')
  expect(text(fleet([found('db-1'), found('db-2', { intakeWal: false })]))).toMatch(
    /^# db-2: the intake WAL/m,
  )
})

test('nodes that run different units are no one fleet', () => {
  const made = fleetFile(
    fleet([
      found('db-1'),
      found('db-2', { service: { kind: 'systemd', unit: { is: 'other.service', from: '' } } }),
    ]),
  )
  expect(made).toMatchObject({
    problems: [{ code: 'UNITS_DIFFER', what: expect.stringContaining('db-2 other.service') }],
  })
})

describe('containers', () => {
  const inContainer = (name: string, container: string, image: string, version = 'v0.2.1'): FoundNode =>
    found(name, {
      version,
      user: '1000',
      service: {
        kind: 'docker',
        container: { is: container, from: 'the container that starts progressdb' },
        image: { is: image, from: 'its image' },
        socket: '',
      },
    })
  const serviceOf = (nodes: FoundNode[]): unknown => parseConfig(text(fleet(nodes)), 'rollout.yml').service

  test.each([
    ['ghcr.io/acme/db:v0.2.1', { image: 'ghcr.io/acme/db', tag: '{version}' }],
    ['localhost:5000/db:0.2.1-amd64', { image: 'localhost:5000/db', tag: '{number}-amd64' }],
    [`db@sha256:${'a'.repeat(64)}`, { image: 'db', tag: '{version}' }],
    ['localhost:5000/db', { image: 'localhost:5000/db', tag: '{version}' }],
  ])('of %s: the version has its place in the image', (image, expected) => {
    expect(serviceOf([inContainer('db-1', 'progressdb', image)])).toMatchObject({
      kind: 'docker',
      container: 'progressdb',
      ...expected,
    })
  })

  test('that are called as their nodes are one fleet, and others that differ are none', () => {
    const image = 'acme/db:v0.2.1'
    const own = [inContainer('db-1', 'db-1', image), inContainer('db-2', 'db-2', image)]
    expect(serviceOf(own)).toMatchObject({ container: '{name}' })
    const mixed = [inContainer('db-1', 'a', image), inContainer('db-2', 'b', image)]
    expect(fleetFile(fleet(mixed))).toMatchObject({ problems: [{ code: 'UNITS_DIFFER' }] })
    expect(fleetFile(fleet([found('db-1'), inContainer('db-2', 'a', image)]))).toMatchObject({
      problems: [{ code: 'UNITS_DIFFER', what: expect.stringContaining('db-2 container a') }],
    })
  })
})
