import { describe, expect, test } from 'vitest'
import { guestContainer, nextContainer, withoutSecrets } from '../../src/service/container.ts'

/** As Docker tells of a container: what somebody set, what its image gave, and what it was given while it ran. */
const SHORT = 'abcdef012345'
const image = {
  Env: ['PATH=/usr/bin', 'LANG=C'],
  Labels: { 'org.opencontainers.image.version': '0.2.1' },
  Cmd: ['--config', '/data/config.yaml'],
  Entrypoint: ['/usr/local/bin/progressdb'],
  User: 'progressdb',
  WorkingDir: '/home/progressdb',
  ExposedPorts: { '8080/tcp': {} },
  Volumes: { '/data': {} },
  Healthcheck: { Test: ['CMD', 'curl', '-f', 'http://127.0.0.1:8080/healthz'] },
  StopSignal: 'SIGTERM',
}
const container = (over: { config?: object; host?: object; more?: object } = {}): string =>
  JSON.stringify({
    Id: `${SHORT}${'0'.repeat(52)}`,
    Image: `sha256:${'1'.repeat(64)}`,
    Config: { ...image, Hostname: SHORT, Image: 'acme/db:v0.2.1', ...over.config },
    HostConfig: {
      Binds: ['/srv/db:/data/db'],
      NetworkMode: 'default',
      PortBindings: { '8080/tcp': [{ HostIp: '127.0.0.1', HostPort: '8080' }] },
      RestartPolicy: { Name: 'unless-stopped', MaximumRetryCount: 0 },
      Memory: 1000,
      ...over.host,
    },
    Mounts: [],
    NetworkSettings: { Networks: { bridge: { IPAddress: '172.17.0.2', Aliases: null, IPAMConfig: null } } },
    ...over.more,
  })

const TO = { image: `acme/db@sha256:${'2'.repeat(64)}`, release: 'v0.2.2-222222222222' }
const next = (over: Parameters<typeof container>[0] = {}, to = TO) => {
  const [first = '', ...others] = nextContainer(
    { container: container(over), oldImage: JSON.stringify(image) },
    to,
  )
    .trim()
    .split('\n')
  return { body: JSON.parse(first), others }
}

describe('the next container', () => {
  test('is like this one, and what the image had given comes from the new one', () => {
    const { body, others } = next({
      config: {
        Env: ['PATH=/usr/bin', 'LANG=C', 'KEY=a "quoted"\nvalue', 'EMPTY='],
        Labels: { ...image.Labels, own: '::error::' },
      },
    })
    for (const given of ['Cmd', 'Entrypoint', 'User', 'WorkingDir', 'Healthcheck', 'StopSignal', 'Hostname'])
      expect(body, given).not.toHaveProperty(given)
    expect(body).toMatchObject({
      Image: TO.image,
      Env: ['KEY=a "quoted"\nvalue', 'EMPTY='],
      Labels: { own: '::error::', 'progressdb-rollout.release': TO.release },
      ExposedPorts: {},
      Volumes: {},
      StopTimeout: 60,
      HostConfig: {
        Binds: ['/srv/db:/data/db'],
        Memory: 1000,
        RestartPolicy: { Name: 'no' },
        PortBindings: { '8080/tcp': [{ HostPort: '8080' }] },
      },
      NetworkingConfig: { EndpointsConfig: { bridge: {} } },
    })
    expect(body.Labels).not.toHaveProperty('org.opencontainers.image.version')
    expect(others).toEqual([])
  })

  test('keeps what somebody had set in the place of what the image gives', () => {
    const own = {
      Cmd: ['--config', '/etc/own.yaml'],
      Env: ['PATH=/opt/own'],
      User: '2000',
      Hostname: 'db-1',
      StopTimeout: 300,
      Healthcheck: { Test: ['NONE'] },
    }
    const { Env, ...rest } = own
    expect(next({ config: own }).body).toMatchObject({ ...rest, Env })
  })

  test('goes on with a volume that has no name, and takes none that is mounted already', () => {
    const { body } = next({
      host: { Mounts: [{ Type: 'volume', Source: 'named', Target: '/named' }], Tmpfs: { '/tmp': '' } },
      more: {
        Mounts: [
          { Type: 'volume', Name: 'f00', Destination: '/data', RW: true },
          { Type: 'volume', Name: 'ba5', Destination: '/ro', RW: false },
          { Type: 'volume', Name: 'named', Destination: '/named', RW: true },
          { Type: 'bind', Source: '/srv/db', Destination: '/data/db', RW: true },
        ],
      },
    })
    expect(body.HostConfig.Binds).toEqual(['/srv/db:/data/db', 'f00:/data', 'ba5:/ro:ro'])
  })

  test('is in the same networks, under the same names and fixed addresses', () => {
    const { body, others } = next({
      host: { NetworkMode: 'front' },
      more: {
        NetworkSettings: {
          Networks: {
            front: { Aliases: ['db', SHORT], IPAMConfig: { IPv4Address: '10.0.0.9' }, IPAddress: '10.0.0.9' },
            back: { Aliases: [SHORT], IPAMConfig: null, DriverOpts: null, IPAddress: '10.1.0.2' },
            'odd name': { Aliases: null },
          },
        },
      },
    })
    expect(body.NetworkingConfig.EndpointsConfig).toEqual({
      front: { Aliases: ['db'], IPAMConfig: { IPv4Address: '10.0.0.9' } },
    })
    expect(others).toEqual(['back {}'])
  })

  test.each(['host', 'none', 'container:other'])('in the network %s joins no other', mode => {
    const { body, others } = next({
      config: { Hostname: 'the-machine' },
      host: { NetworkMode: mode },
      more: { NetworkSettings: { Networks: { host: {} } } },
    })
    expect([body.NetworkingConfig, others]).toEqual([undefined, []])
  })
})

test('a guest has the server, its environment and limits, and of the machine nothing but the copy', () => {
  const guest = {
    folder: '/srv/.db-staging',
    data: '/data/db',
    config: '/data/config.yaml',
    network: 'db.rehearsal',
  }
  const text = guestContainer(
    container({
      config: { Env: ['KEY=secret', 'PROGRESSDB_DB_PATH=/data/db', 'PROGRESSDB_PORT=1'] },
      host: {
        Privileged: true,
        CapAdd: ['ALL'],
        PidMode: 'host',
        Devices: [{}],
        Binds: ['/:/host', '/srv/db:/data/db'],
        ExtraHosts: ['a:1.2.3.4'],
        VolumesFrom: ['x'],
      },
    }),
    guest,
  )
  const body = JSON.parse(text)
  expect(body.Image).toBe(`sha256:${'1'.repeat(64)}`)
  expect(body.Env).toEqual(['KEY=secret'])
  expect(body.HostConfig).toEqual({
    Memory: 1000,
    Binds: ['/srv/.db-staging/data:/data/db', '/srv/.db-staging/config:/data/config.yaml:ro'],
    NetworkMode: 'db.rehearsal',
    Dns: ['127.0.0.1'],
    RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges'],
    PidsLimit: 1024,
    CpuShares: 2,
    OomScoreAdj: 1000,
    LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '1' } },
  })
  expect(Object.keys(body)).not.toContain('Labels')
})

test('what Docker says of a description repeats no value of it', () => {
  const { body } = next({
    config: { Env: ['KEY=hunter2 and\nanother line', 'A=b'], Cmd: ['--token', 's3cret-word'] },
  })
  const said = withoutSecrets(
    'invalid environment: KEY=hunter2 and\\nanother line; "another line"; --token s3cret-word; a b',
    JSON.stringify(body),
  )
  for (const word of ['hunter2', 'another line', 's3cret']) expect(said).not.toContain(word)
  expect(said).toContain('invalid environment: KEY=')
})
