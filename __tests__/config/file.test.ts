import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../src/config/file.ts'
import { EXAMPLE_FLEET } from '../../src/config/help.ts'
import { brief, problemsOf } from './problems.ts'

const parse = (text: string, repository: string | undefined = 'acme/app') =>
  parseConfig(text, 'rollout.yml', { repository })
const problems = (text: string) => problemsOf(() => parse(text))

const ONE = `local: true
process: {}
install: /opt/progressdb
data: /var/lib/progressdb
nodes: [db-1]
`
/** The one-node fleet with lines added or replaced. */
const one = (...lines: string[]) => {
  const replaced = new Set(lines.map(line => line.split(':')[0]))
  return [...ONE.split('\n').filter(line => !replaced.has(line.split(':')[0])), ...lines].join('\n')
}

describe('a fleet file', () => {
  test('of three nodes fits in twelve lines', () => {
    const config = parse(EXAMPLE_FLEET)
    expect(EXAMPLE_FLEET.split('\n').length).toBeLessThanOrEqual(12)
    expect(config.nodes.map(node => node.url)).toEqual([
      'http://127.0.0.1:8081',
      'http://127.0.0.1:8082',
      'http://127.0.0.1:8083',
    ])
    expect(config.nodes[1]).toEqual({
      name: 'db-2',
      url: 'http://127.0.0.1:8082',
      install: '/opt/progressdb/db-2',
      data: '/var/lib/progressdb/db-2',
      config: '/opt/progressdb/db-2/config.yaml',
    })
    expect(config.canary).toEqual(['db-1'])
    expect(config.policy.watch.watch).toBe(600_000)
  })

  test('says which defaults it took, and only those', () => {
    const { defaults } = parse(EXAMPLE_FLEET)
    expect(defaults).toContain('canary.rewatch 2m')
    expect(defaults).toContain('disk-reserve 10 %')
    expect(defaults).toContain('exposition.path /admin/debug/prometheus')
    expect(defaults).toContain('judge.min-samples 100')
    expect(defaults.filter(line => /^(canary\.(watch|nodes)|repository) /.test(line))).toEqual([])
    expect(defaults.find(line => line.startsWith('profile'))).toBe('profile progressdb')
    expect(parse(one('disk-reserve: 0.2')).defaults.filter(line => line.startsWith('disk-reserve'))).toEqual(
      [],
    )
    expect(parse(ONE).defaults).toContain('repository acme/app')
  })

  test('is read setting by setting', () => {
    const config = parse(
      one(
        'profile: progressdb',
        'repository: progressdb/ProgressDB',
        "process: { args: ['--config', '{config}', '-v'], env: { GOMAXPROCS: '2' } }",
        'config: /etc/progressdb/{name}.yaml',
        'config-next: /etc/progressdb/{name}.next.yaml',
        'nodes: [db-1, { name: db-2, url: "http://10.0.0.2:80/", install: /opt/b, data: /srv/b }, { name: db-3, host: "::1", port: 1, install: /opt/c, data: /srv/c }]',
        'canary: { name: db-2, watch: 90s, rewatch: 1m, warm-up: 10s, deadline: 10m }',
        'waves: { size: 2, watch: 1m }',
        'max-parallel: 2',
        'rehearse: { nodes: every-node, tests: make smoke, limit: 5m }',
        'drain: { commands: { out: ./out, in: ./in, limit: 10s } }',
        'probe: { rate: 4, keys: { backend: probe, admin: root, frontend: web }, user: watcher }',
        'metrics: [{ name: heap, series: go_heap_alloc_bytes, max-ratio: 1.5 }, { name: errors, series: x_total, max: 0, required: false }]',
        'exposition: { path: /metrics, key: none }',
        'judge: { failed: 3%, failed-above-baseline: 0.005, min-samples: 50, p95-ratio: 2 }',
        'disk-reserve: 20 %',
        'require-reversible: true',
        'accept-write-loss: true',
        'require-image: ghcr.io/acme/app:{version}',
        'on-inconclusive: hold',
        'approve-within: 2d',
        'start-limit: 30s',
        'stop-limit: 1m30s',
        'lease: { ttl: 30s, wait: 0s }',
        'keep: 30d',
        'from: v0.2.1',
        'environment: staging',
        'releases: { directory: dist }',
        'binary: server',
      ),
    )
    expect(config.nodes[1]).toEqual({
      name: 'db-2',
      url: 'http://10.0.0.2:80',
      install: '/opt/b',
      data: '/srv/b',
      config: '/etc/progressdb/db-2.yaml',
      configNext: '/etc/progressdb/db-2.next.yaml',
    })
    expect(config.nodes[2]?.url).toBe('http://[::1]:1')
    expect(config).toMatchObject({
      service: { kind: 'process', args: ['--config', '{config}', '-v'], env: { GOMAXPROCS: '2' } },
      canary: ['db-2'],
      waveSize: 2,
      tests: { command: 'make smoke', limit: 600_000 },
      stageLimit: 300_000,
      drain: { kind: 'commands', out: './out', in: './in', limit: 10_000 },
      probe: { backendKey: 'probe', adminKey: 'root', frontendKey: 'web', user: 'watcher' },
      exposition: { path: '/metrics' },
      requireImage: 'ghcr.io/acme/app:{version}',
      lease: { ttl: 30_000, wait: 0 },
      keep: 30 * 86_400_000,
      from: 'v0.2.1',
      environment: 'staging',
      releases: { kind: 'directory', path: 'dist' },
      binary: 'server',
      acceptWriteLoss: true,
    })
    expect(config.exposition).not.toHaveProperty('key')
    expect(config.metrics).toEqual([
      { name: 'heap', series: 'go_heap_alloc_bytes', maxRatio: 1.5, required: true },
      { name: 'errors', series: 'x_total', max: 0, required: false },
    ])
    expect(config.policy).toMatchObject({
      rewatch: 60_000,
      waveWatch: 60_000,
      rehearse: 'every-node',
      requireReversible: true,
      maxParallel: 2,
      approveWithin: 172_800_000,
      startLimit: 30_000,
      stopLimit: 90_000,
      diskReserve: 0.2,
      drain: 'commands',
    })
    expect(config.policy.watch).toMatchObject({
      watch: 90_000,
      warmUp: 10_000,
      deadline: 600_000,
      rate: 4,
      minSamples: 50,
      failedMax: 0.03,
      failedAboveBaseline: 0.005,
      p95Ratio: 2,
      onInconclusive: 'hold',
    })
  })

  test('a short watch can still gather the samples it needs', () => {
    const { watch } = parse(
      one('canary: { watch: 4s, rewatch: 3s }', 'waves: { watch: 2s }', 'probe: { rate: 10, block: 500ms }'),
    ).policy
    expect(watch.minSamples).toBe(10)
    expect(watch.warmUp).toBe(500)
    expect(watch.deadline).toBe(8000)
  })

  test('profile http knows no paths, keys or program of its own', () => {
    const config = parse(
      one(
        'profile: http',
        'binary: app',
        'http: { health: /live, ready: /ready, version: { path: /version, field: version } }',
      ),
    )
    expect(config.service).toMatchObject({ args: [] })
    expect(config.probe).toEqual({ user: 'rollout-probe' })
    expect(config.exposition).toEqual({ path: '/metrics' })
    expect(config.http).toEqual({
      health: '/live',
      ready: '/ready',
      version: { path: '/version', field: 'version' },
    })
  })
})

test('HAProxy: one socket and backend or several, on the nodes or on a machine that only we reach', () => {
  const own = one('drain: { haproxy: { socket: /run/haproxy/admin.sock, backend: db } }')
  expect(parseConfig(own, 'rollout.yml', { repository: 'a/b' }).drain).toEqual({
    kind: 'haproxy',
    sockets: ['/run/haproxy/admin.sock'],
    via: [],
    backends: ['db'],
    server: '{name}',
    limit: 60_000,
    atLimit: 'fail',
  })
  const far = [
    'ssh: { user: deploy }',
    'systemd: { unit: db.service }',
    'repository: a/b',
    'install: /opt/db',
    'data: /srv/db',
    'nodes: [db-1]',
    'drain: { haproxy: { socket: [/a.sock, "lb:9999", "[::1]:9"], backend: [db, api], server: "node-{name}", via: [lb-1, "ops@lb-2:2222"], limit: 90s, at-limit: close } }',
  ].join('\n')
  const { drain, policy } = parseConfig(far, 'rollout.yml')
  expect(drain).toEqual({
    kind: 'haproxy',
    sockets: ['/a.sock', 'lb:9999', '[::1]:9'],
    via: [
      { host: 'lb-1', port: 22, user: 'deploy' },
      { host: 'lb-2', port: 2222, user: 'ops' },
    ],
    backends: ['db', 'api'],
    server: 'node-{name}',
    limit: 90_000,
    atLimit: 'close',
  })
  expect(policy.drain).toBe('haproxy')
})

test('hooks: each with its one way, told of every end unless it says which; before something it may say no', () => {
  const hooks = [
    '{ at: end, slack: chat }',
    '{ at: end, post: "https://example.org/in", key: hook, on: [fired] }',
    '{ at: end, run: ./tell.sh, keys: [pager], limit: 5s }',
    '{ at: confirm-promotion, run: ./ask.sh, limit: 2h }',
    '{ at: before-node, run: ./quiet.sh, on-failure: warn }',
    '{ at: after-node, slack: bot, channel: C0123456 }',
  ]
  const config = parseConfig(one(`hooks: [${hooks.join(', ')}]`), 'rollout.yml', { repository: 'a/b' })
  const on = ['promoted', 'rolled-back', 'stopped', 'needs-operator', 'fired']
  const api = 'https://slack.com/api'
  const usual = { on, fails: false, limit: 20_000 }
  expect(config.hooks).toEqual([
    { ...usual, at: 'end', kind: 'slack', key: 'chat', api },
    { ...usual, at: 'end', kind: 'post', url: 'https://example.org/in', key: 'hook', on: ['fired'] },
    { ...usual, at: 'end', kind: 'run', command: './tell.sh', keys: ['pager'], limit: 5000 },
    {
      ...usual,
      at: 'confirm-promotion',
      kind: 'run',
      command: './ask.sh',
      keys: [],
      fails: true,
      limit: 7_200_000,
    },
    { ...usual, at: 'before-node', kind: 'run', command: './quiet.sh', keys: [] },
    { ...usual, at: 'after-node', kind: 'slack', key: 'bot', channel: 'C0123456', api },
  ])
  expect(config.policy.hooks).toEqual(['confirm-promotion', 'before-node', 'after-node'])
})

describe('mistakes', () => {
  test('seven mistakes give seven problems, each at its place and with a next step', () => {
    const text = `profil: progressdb
local: true
process: { args: [--config, "{confg}"] }
install: opt/progressdb
data: /etc
nodes:
  - { name: db-1, port: 80810 }
  - { name: db-1, port: 8082 }
canary: { nodes: 1, watch: ten minutes }
`
    const found = problems(text)
    expect(found.map(({ code, where }) => `${code} ${where}`)).toEqual([
      'SETTING_UNKNOWN rollout.yml:1:1',
      'PLACEHOLDER_UNKNOWN rollout.yml:3:29',
      'SETTING_INVALID rollout.yml:4:10',
      'PATH_IS_SYSTEM_FOLDER rollout.yml:5:7',
      'SETTING_INVALID rollout.yml:7:25',
      'NODE_TWICE rollout.yml:8:5',
      'SETTING_INVALID rollout.yml:9:28',
    ])
    expect(found.every(problem => problem.next.length > 10)).toBe(true)
    expect(found[6]).toMatchObject({
      what: 'canary.watch is "ten minutes"',
      next: expect.stringContaining('10m'),
    })
  })

  test.each<[lines: string[], code: string, said: RegExp]>([
    [['ssh: { user: deploy }'], 'SETTING_CONTRADICTS', /local and ssh/],
    [['ssh: { user: "-oProxyCommand=x" }'], 'SETTING_INVALID', /name of a user/],
    [['ssh: { user: a, jump: "-oProxyCommand=x" }'], 'SETTING_INVALID', /a jump host/],
    [['docker: { container: db }'], 'SETTING_MISSING', /docker.image is missing.*version in its tag/],
    [['docker: { container: db, image: x }'], 'SETTING_INVALID', /version in its tag/],
    [['docker: { container: "-v/:/x", image: "x:{version}" }'], 'SETTING_INVALID', /name of a container/],
    [['docker: { container: db, image: "x:{version}" }'], 'SETTING_CONTRADICTS', /process and docker/],
    [['systemd: { unit: x.service }'], 'SETTING_CONTRADICTS', /process and systemd/],
    [['maxParallel: 2'], 'SETTING_UNKNOWN', /write max-parallel/],
    [['canary: { watc: 10m }'], 'SETTING_UNKNOWN', /in canary.*write watch/],
    [['watch: 10m'], 'SETTING_UNKNOWN', /move it: canary has watch/],
    [['canary: { max-parallel: 2 }'], 'SETTING_UNKNOWN', /move max-parallel to the top/],
    [['quux: 1'], 'SETTING_UNKNOWN', /remove it; known here: profile/],
    [['nodes: [{ nam: db-1 }]'], 'SETTING_UNKNOWN', /in nodes.*write name/],
    [['nodes: [1]'], 'SETTING_INVALID', /nodes is 1/],
    [['nodes: []'], 'SETTING_INVALID', /at least one node/],
    [['nodes: ["../x"]'], 'SETTING_INVALID', /letters, digits/],
    [['nodes: [{ name: db-1, url: "http://u:p@h" }]'], 'SETTING_INVALID', /an address such as/],
    [
      ['nodes: [{ name: db-1, url: "http://h", port: 1 }]'],
      'SETTING_CONTRADICTS',
      /keep url, or host and port/,
    ],
    [['canary: { watch: 10 }'], 'SETTING_INVALID', /canary\.watch is 10/],
    [['canary: { watch: 0s }'], 'SETTING_INVALID', /from 1s/],
    [['canary: { name: db-9 }'], 'CANARY_UNKNOWN', /write one of db-1/],
    [['canary: { nodes: 2 }'], 'CANARY_IS_FLEET', /the fleet has 1/],
    [['canary: { nodes: 1, name: db-1 }'], 'SETTING_CONTRADICTS', /keep one/],
    [
      ['canary: { watch: 3s, rewatch: 10s }', 'probe: { block: 4s }'],
      'WATCH_TOO_SHORT',
      /shorter than a block/,
    ],
    [['canary: { warm-up: 5m }'], 'WATCH_TOO_SHORT', /nothing would be judged/],
    [['canary: { deadline: 5m }'], 'DEADLINE_TOO_EARLY', /longest watch 10m/],
    [['judge: { min-samples: 5000 }'], 'WATCH_TOO_SHORT', /the shortest watch gives 240/],
    [['probe: { rate: 0.001 }'], 'WATCH_TOO_SHORT', /raise probe\.rate/],
    [['keep: 1h'], 'KEEP_TOO_SHORT', /approve-within, 4h/],
    [['metrics: [{ name: a, series: b }]'], 'METRIC_WITHOUT_LIMIT', /max, min or max-ratio/],
    [['metrics: [{ name: a, series: b, min: 2, max: 1 }]'], 'SETTING_CONTRADICTS', /min 2 is above max 1/],
    [
      ['metrics: [{ name: a, series: b, max: 1 }, { name: a, series: c, max: 1 }]'],
      'METRIC_TWICE',
      /named a/,
    ],
    [['disk-reserve: 10'], 'SETTING_INVALID', /10 % or 0\.1/],
    [['disk-reserve: 200 %'], 'SETTING_INVALID', /10 % or 0\.1/],
    [['require-reversible: "yes"'], 'SETTING_INVALID', /true or false/],
    [['from: 0.2'], 'SETTING_INVALID', /in quotes/],
    [['drain: { commands: { out: x } }'], 'SETTING_MISSING', /drain\.commands\.in is missing/],
    [['hooks: [{ at: end }]'], 'SETTING_MISSING', /this hook does nothing/],
    [['hooks: [{ at: end, run: a, slack: b }]'], 'SETTING_CONTRADICTS', /more than one way/],
    [['hooks: [{ at: end, run: a, key: b }]'], 'SETTING_CONTRADICTS', /key is for post/],
    [['hooks: [{ at: end, slack: a, keys: [b] }]'], 'SETTING_CONTRADICTS', /keys is for run/],
    [['hooks: [{ at: start, run: a }]'], 'SETTING_INVALID', /at is "start"; write end, before-snapshot/],
    [['hooks: [{ at: before-node, run: a, on: [fired] }]'], 'SETTING_CONTRADICTS', /on is for at: end/],
    [['hooks: [{ at: end, run: a, on-failure: fail }]'], 'SETTING_CONTRADICTS', /points on the way/],
    [['hooks: [{ at: end, run: a, channel: C0123456 }]'], 'SETTING_CONTRADICTS', /channel is for slack/],
    [['hooks: [{ at: end, slack: a, channel: general }]'], 'SETTING_INVALID', /a channel.s id/],
    [['hooks: [{ at: end, post: "http://example.org/in" }]'], 'SETTING_INVALID', /an address such as https/],
    [['hooks: [{ at: end, post: "https://a:b@example.org/" }]'], 'SETTING_INVALID', /without a secret in it/],
    [['hooks: [{ at: end, run: a, on: [green] }]'], 'SETTING_INVALID', /promoted, rolled-back/],
    [['drain: nothing'], 'SETTING_INVALID', /none, or haproxy with .*, or commands/],
    [['drain: {}'], 'SETTING_MISSING', /drain names nothing/],
    [
      ['drain: { haproxy: { socket: /a, backend: db, via: lb-1 } }'],
      'SETTING_CONTRADICTS',
      /via is for nodes over ssh/,
    ],
    [
      ['drain: { haproxy: { socket: /a, backend: db, via: "a b" } }'],
      'SETTING_INVALID',
      /a machine such as lb-1/,
    ],
    [
      ['drain: { haproxy: { socket: /run/a.sock } }'],
      'SETTING_MISSING',
      /drain\.haproxy\.backend is missing/,
    ],
    [
      ['drain: { haproxi: { socket: /a, backend: b } }'],
      'SETTING_UNKNOWN',
      /"haproxi" in drain; write haproxy/,
    ],
    [
      ['drain: { haproxy: { socket: a.sock, backend: db } }'],
      'SETTING_INVALID',
      /drain\.haproxy\.socket is "a\.sock"; write a socket such as/,
    ],
    [['drain: { haproxy: { socket: [], backend: db } }'], 'SETTING_INVALID', /write a socket, or a list/],
    [['drain: { haproxy: { socket: /a, backend: [db, "a b"] } }'], 'SETTING_INVALID', /backend\S* is "a b"/],
    [['drain: { haproxy: { socket: /a, backend: db, at-limit: kill } }'], 'SETTING_INVALID', /fail or close/],
    [
      ['drain: { haproxy: { socket: /a, backend: db }, commands: { out: a, in: b } }'],
      'SETTING_CONTRADICTS',
      /haproxy and commands/,
    ],
    [['process:'], 'SETTING_INVALID', /process is empty/],
    [['process: { env: { "A B": x } }'], 'SETTING_INVALID', /name of an environment variable/],
    [['profile: http', 'http: { health: /a, ready: /b }'], 'SETTING_MISSING', /binary is missing/],
    [['profile: http', 'binary: app'], 'SETTING_MISSING', /http is missing/],
    [['http: { health: /a, ready: /b }'], 'SETTING_CONTRADICTS', /profile is progressdb/],
    [['install: /'], 'SETTING_INVALID', /absolute path/],
    [['install: /opt/../etc/x'], 'SETTING_INVALID', /absolute path/],
    [['install: /opt//x'], 'SETTING_INVALID', /absolute path/],
    [['install: /opt/x/'], 'SETTING_INVALID', /absolute path/],
    [['install: /opt/{node}'], 'SETTING_INVALID', /absolute path/],
    [['install: /home/ana'], 'PATH_IS_SYSTEM_FOLDER', /home\/ana/],
    [['data: /var/lib'], 'PATH_IS_SYSTEM_FOLDER', /a folder of the system/],
    [['data: /usr/lib/progressdb'], 'PATH_IS_SYSTEM_FOLDER', /a folder of the system/],
    [['data: /opt/progressdb/data'], 'PATHS_NESTED', /inside each other/],
    [['data: /opt/progressdb'], 'PATHS_SHARED', /the same folder/],
    [['config: /var/lib/progressdb/config.yaml'], 'CONFIG_MISPLACED', /lies in \/var\/lib\/progressdb/],
    [['config: /opt/progressdb/state/c.yaml'], 'CONFIG_MISPLACED', /opt\/progressdb\/state/],
    [['config-next: /opt/progressdb/config.yaml'], 'PATHS_SHARED', /the same file/],
    [
      ['nodes: [{ name: db-1, port: 1 }, { name: db-2, port: 2 }]', 'data: /srv/{name}'],
      'PATHS_SHARED',
      /install of db-1 and install of db-2.*\{name\}/,
    ],
    [
      ['nodes: [db-1, db-2]', 'data: /srv/{name}', 'install: /opt/{name}'],
      'ADDRESS_TWICE',
      /give db-2 its port/,
    ],
    [
      [
        'nodes: [db-1, { name: db-2, port: 1 }]',
        'install: /opt/{name}',
        'data: /srv/{name}',
        'config: /etc/p.yaml',
      ],
      'PATHS_SHARED',
      /the same file/,
    ],
  ])('%j', (lines, code, said) => {
    const found = problems(one(...lines))
    expect(found.map(problem => problem.code)).toEqual([code])
    expect(`${found[0]?.what}; ${found[0]?.next}`).toMatch(said)
    expect(found[0]?.where).toMatch(/^rollout\.yml:\d+:\d+$/)
  })

  test('folders of a service below shared ones are fine', () => {
    for (const path of ['/var/lib/x', '/home/ana/db', '/tmp/fleet/db-1', '/mnt/disk', '/data', '/opt/a b'])
      expect(parse(one(`data: ${path}`)).nodes[0]?.data).toBe(path)
  })

  test('what every file must say', () => {
    expect(problemsOf(() => parseConfig('nodes: [db-1]', 'f.yml')).map(problem => problem.what)).toEqual([
      'the file does not say where the nodes are',
      'the file does not say how the service is run',
      'repository is missing',
      'install is missing',
      'data is missing',
    ])
    expect(problems('local: true\nprocess: {}\n').map(problem => problem.what)).toEqual([
      'nodes is missing',
      'install is missing',
      'data is missing',
    ])
  })

  test('a node without a folder is named where the others have one', () => {
    const text = one(
      'nodes: [{ name: db-1, data: /srv/a }, { name: db-2, port: 1, install: /opt/b }]',
    ).replace(/^data:.*\n/m, '')
    expect(problems(text).map(problem => problem.what)).toEqual(['data is missing for db-2'])
  })

  test('a broken element of a list does not move the places of the next ones', () => {
    const text = one('metrics:', '  - { nam: a, series: b, max: 1 }', '  - 7', '  - { name: c, series: d }')
    expect(brief(() => parse(text))).toEqual([
      'SETTING_UNKNOWN rollout.yml:8:7',
      'SETTING_INVALID rollout.yml:9:5',
      'METRIC_WITHOUT_LIMIT rollout.yml:10:5',
    ])
  })
})

describe('not a fleet file', () => {
  test.each<[text: string, expected: string[]]>([
    ['', ['SETTING_MISSING rollout.yml:1:1']],
    ['# nothing\n', ['SETTING_MISSING rollout.yml:1:1']],
    ['hello', ['SETTING_INVALID rollout.yml:1:1']],
    ['[1, 2]', ['SETTING_INVALID rollout.yml:1:1']],
    ['local: true\nlocal: true\n', ['CONFIG_NOT_YAML rollout.yml:2:1']],
    ['a: b: c\n', ['CONFIG_NOT_YAML rollout.yml:1:4']],
    ['local: true\n---\nlocal: true\n', ['CONFIG_NOT_YAML rollout.yml:2:1']],
    ['a: &x [1]\nb: *x\n', ['CONFIG_ALIAS rollout.yml:2:4']],
    ['nodes: !!binary aGk=\n', ['CONFIG_TAG rollout.yml:1:17']],
    ['nodes: !evil x\n', ['CONFIG_TAG rollout.yml:1:14']],
    ['x'.repeat(300_000), ['CONFIG_TOO_LARGE rollout.yml']],
  ])('%#', (text, expected) => {
    expect(brief(() => parse(text))).toEqual(expected)
  })

  test.each([20_000, 600])('nesting of %i is refused in words', depth => {
    expect(problems(`a: ${'['.repeat(depth)}`)[0]?.code).toBe('CONFIG_NOT_YAML')
    expect(problems(`a: ${'['.repeat(depth)}${']'.repeat(depth)}`).length).toBeGreaterThan(0)
  })

  test('a bomb of aliases is refused without being built', () => {
    const levels = Array.from({ length: 30 }, (_, n) => `a${n + 1}: &a${n + 1} [*a${n}, *a${n}]`)
    const started = performance.now()
    expect(new Set(problems(['a0: &a0 [x]', ...levels].join('\n')).map(problem => problem.code))).toEqual(
      new Set(['CONFIG_ALIAS']),
    )
    expect(performance.now() - started).toBeLessThan(2000)
  })

  test('hostile text is made printable in what is said', () => {
    const found = problems(
      one('"::error::x\\u001b[31m": 1', 'from: "##[group]\\r\\n::set-output"', 'nodes: ["\\u202ex"]'),
    )
    expect(found.length).toBe(3)
    for (const { what, next } of found)
      for (const said of [what, next]) expect(said).not.toMatch(/^\s*::|##\[|[\p{Cc}\p{Cf}]/u)
  })
})
