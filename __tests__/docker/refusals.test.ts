import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { parseAnswer } from '../../src/node/answer.ts'
import { program } from '../../src/node/programs.ts'
import { localShell } from '../../src/shell/local.ts'
import { openScenario, type Scenario } from '../action/scenario.ts'
import { serving } from '../action/ground-truth.ts'
import { type BuiltRelease, buildRelease } from '../standin/release.ts'
import { AWKWARD } from './fleet.ts'
import { type DockerHost, openDocker, openRegistry } from './host.ts'
import { digestOf, imageOf, publish } from './images.ts'

/* Everything that speaks against a release on containers is said before anything is touched. */

let host: DockerHost
let s: Scenario
let runs: BuiltRelease
let next: BuiltRelease
let other: BuiltRelease
let unpublished: BuiltRelease

beforeAll(async () => {
  host = await openDocker()
  runs = await buildRelease({ version: '0.2.1' })
  next = await buildRelease({ version: '0.2.2' })
  other = await buildRelease({ version: '0.2.4' })
  unpublished = await buildRelease({ version: '0.2.9' })
  for (const release of [runs, next]) publish(host, release)
  s = await openScenario({ runs, releases: [runs, next, other, unpublished], host, nodes: 1, messages: 50 })
})
afterAll(async () => {
  await s?.end()
  await host?.close()
})

async function refused(tag: string): Promise<string> {
  const before = await s.truth()
  const { code, text } = await s.byHand('release', tag)
  expect(code, text).toBe(3)
  expect(await s.truth()).toEqual(before)
  return text
}

describe('an image', () => {
  test('that was never pushed', async () => {
    const text = await refused('v0.2.9')
    expect(text).toContain('db-1: the registry has no such image')
    expect(text).toContain('IMAGE_MISSING')
    expect(text).toContain(`${imageOf(host, '0.2.9')}: manifest unknown`)
  })

  test('of a registry that is away', async () => {
    await host.stopRegistry()
    try {
      expect(await refused('v0.2.2')).toMatch(/REGISTRY_SILENT {2}db-1.*connection refused/s)
    } finally {
      await host.startRegistry()
    }
  })

  test('whose tag was moved since it was adopted', async () => {
    const kept = digestOf(host, imageOf(host, '0.2.1'))
    host.docker('tag', imageOf(host, '0.2.2'), imageOf(host, '0.2.1'))
    host.docker('push', '--quiet', imageOf(host, '0.2.1'))
    const text = await refused('v0.2.1')
    expect(text).toContain('IMAGE_TAG_MOVED')
    expect(text).toContain(`db-1 knows another image as v0.2.1: sha256 ${kept.slice(0, 12)}…`)
  })

  test('that is not the one that the build pushed', async () => {
    const digest = digestOf(host, imageOf(host, '0.2.2'))
    const built = [
      {
        name: imageOf(host, '0.2.2'),
        type: 'Docker Manifest',
        extra: { Digest: `sha256:${'a'.repeat(64)}` },
      },
    ]
    const { code, text } = await s.byHand('release', 'v0.2.2', '--artifacts', JSON.stringify(built))
    expect(code, text).toBe(3)
    expect(text).toMatch(
      new RegExp(
        `IMAGE_TAG_MOVED.*the registry has sha256 ${digest.slice(0, 12)}…, the build pushed aaaaaaaaaaaa…`,
        's',
      ),
    )
  })

  test('that holds another program than the archive of its release', async () => {
    publish(host, next, '0.2.4')
    const text = await refused('v0.2.4')
    expect(text).toContain('IMAGE_NOT_THE_RELEASE')
    expect(text).toContain(
      `has the sha256 ${next.sha256}, the program in the release's archive ${other.sha256}`,
    )
  })
})

describe('a container', () => {
  afterEach(() => s.configure())
  const odd = (name: string, ...more: string[]): void => {
    for (const folder of ['data', 'conf']) mkdirSync(s.at('odd', name, folder), { recursive: true })
    const mounts = ['data', 'conf'].flatMap(what => ['--volume', `${s.at('odd', name, what)}:/${what}`])
    host.docker('create', '--name', name, ...mounts, ...more, imageOf(host, '0.2.2'))
  }
  const withNode = (name: string, over = {}): void => {
    const own = {
      install: s.at('opt', name),
      data: s.at('odd', name, 'data'),
      config: s.at('odd', name, 'conf', 'c.yaml'),
    }
    s.configure({
      nodes: [
        { name: 'db-1', port: s.fleet.nodes[0]?.port ?? 0 },
        { name, port: 9, ...own, ...over },
      ],
    })
  }
  const adopt = async (name: string): Promise<string> => {
    const { code, text } = await s.byHand('adopt', name)
    expect(code, text).toBe(3)
    host.docker('rm', '--force', '--volumes', name)
    return text
  }

  test.each([
    [
      'compose',
      ['--label', 'com.docker.compose.project=shop"::error::'],
      /CONTAINER_MANAGED.*docker compose \(project shop/s,
    ],
    [
      'swarm',
      ['--label', 'com.docker.swarm.service.name=db'],
      /CONTAINER_MANAGED.*docker swarm \(service db\)/s,
    ],
    ['rm', ['--rm'], /CONTAINER_REMOVES_ITSELF/],
  ])('of %s', async (name, words, said) => {
    odd(name, ...words)
    withNode(name)
    const text = await adopt(name)
    expect(text).toMatch(said)
    expect(text).not.toMatch(/^::error/m)
  })

  test('with its data or its configuration in no mount', async () => {
    odd('unmounted')
    withNode('unmounted', { data: '/srv/elsewhere/data', config: '/srv/elsewhere/config.yaml' })
    expect(await adopt('unmounted')).toMatch(/DATA_NOT_MOUNTED.*\/srv\/elsewhere\/data/s)
  })

  test('that is not there, and Docker that is not', async () => {
    withNode('nobody')
    const missing = await s.byHand('adopt', 'nobody')
    expect(missing.text).toContain('CONTAINER_NOT_FOUND')
    s.configure({ docker: { socket: '/run/no-such.sock' } })
    expect((await s.byHand('plan', 'v0.2.2')).text).toMatch(/DOCKER_SILENT.*\/run\/no-such.sock/s)
    s.configure()
  })

  test('that somebody made anew is served by nobody we know, until it is adopted again', async () => {
    const node = s.fleet.nodes[0]
    if (!node) throw new Error('no node')
    const kept = host.docker('inspect', '--format', '{{.Image}}', 'db-1')
    await s.writer.stop()
    host.docker('rm', '--force', 'db-1')
    for (const network of ['front', 'deep']) host.docker('network', 'create', network)
    host.docker(
      'run',
      '--detach',
      '--name',
      'db-1',
      '--init',
      '--restart',
      'on-failure:5',
      '--network',
      'front',
      '--network-alias',
      'database',
      '--publish',
      `127.0.0.1:${node.port}:8080`,
      '--volume',
      `${node.data}:/data/progressdb`,
      '--volume',
      `${node.config}:/data/config.yaml:ro`,
      '--env',
      `AWKWARD=${AWKWARD}`,
      kept,
    )
    host.docker('network', 'connect', '--alias', 'below', 'deep', 'db-1')
    const { text } = await s.byHand('plan', 'v0.2.2')
    expect(text).toMatch(/NODE_RUNS_UNKNOWN|NODE_NOT_ADOPTED|NODE_NOT_READY/)
    await expect.poll(async () => (await s.truth())[0]?.ready).toBe(true)
    const adopted = await s.byHand('adopt')
    expect(adopted.code, adopted.text).toBe(0)
    const done = await s.byHand('release', 'v0.2.2')
    expect(done.code, done.text).toBe(0)
    expect((await s.truth())[0]).toMatchObject(serving('v0.2.2'))
    const of = (format: string): string => host.docker('inspect', '--format', format, 'db-1')
    expect(of('{{.HostConfig.RestartPolicy}} {{.HostConfig.Init}}')).toBe('{on-failure 5} true')
    expect(of('{{json .NetworkSettings.Networks.front.Aliases}}')).toContain('"database"')
    expect(of('{{json .NetworkSettings.Networks.deep.Aliases}}')).toContain('"below"')
    // the container of another release takes no name from it
    expect((await s.byHand('rollback')).code).toBe(0)
    expect((await s.truth())[0]).toMatchObject(serving('v0.2.1'))
    expect(of('{{.HostConfig.RestartPolicy}}')).toBe('{on-failure 5}')
  })
})

describe('a registry that asks who is there', () => {
  test('is answered with what docker login left, in a file or with a helper', async () => {
    const home = mkdtempSync(join(tmpdir(), 'home-'))
    const password = 'p"a\\ss: word'
    const registry = await openRegistry({ user: 'ana', password })
    try {
      const name = `${registry.address}/progressdb/progressdb`
      host.docker('tag', imageOf(host, '0.2.2'), `${name}:v0.2.2`)
      const login = (dir: string): void => {
        mkdirSync(dir, { recursive: true })
        execFileSync(
          '/usr/bin/docker',
          [
            '--config',
            dir,
            '-H',
            `unix://${host.socket}`,
            'login',
            '--username',
            'ana',
            '--password-stdin',
            registry.address,
          ],
          { input: password, stdio: ['pipe', 'ignore', 'pipe'] },
        )
      }
      login(join(home, '.docker'))
      host.docker('--config', join(home, '.docker'), 'push', '--quiet', `${name}:v0.2.2`)
      const ask = async (from: string, path?: string) => {
        const shell = localShell({ home: from, ...(path === undefined ? {} : { path }) })
        const words = [
          `install=${home}`,
          `data=${home}/data`,
          'container=db-1',
          `image=${name}`,
          `socket=${host.socket}`,
          'name=v0.2.2',
        ]
        const ran = await shell.run(program('image', 'docker'), words, { limit: 30_000 })
        expect(ran.stdout + ran.stderr).not.toContain('ss: word')
        return parseAnswer(ran.stdout)
      }
      expect((await ask(home)).values['image_digest']).toEqual([digestOf(host, imageOf(host, '0.2.2'))])
      expect((await ask('/nonexistent')).end).toBe('registry-refused')
      // the same from a helper, as cloud registries have one
      const helped = join(home, 'helped')
      const tools = join(home, 'tools')
      for (const folder of [join(helped, '.docker'), tools]) mkdirSync(folder, { recursive: true })
      writeFileSync(
        join(helped, '.docker', 'config.json'),
        JSON.stringify({ credHelpers: { [registry.address]: 'test' } }),
      )
      const answer = JSON.stringify({ ServerURL: registry.address, Username: 'ana', Secret: password })
      writeFileSync(
        join(tools, 'docker-credential-test'),
        `#!/bin/sh\n[ "$1" = get ] && cat <<'END'\n${answer}\nEND\n`,
      )
      chmodSync(join(tools, 'docker-credential-test'), 0o755)
      expect((await ask(helped, `${tools}:/usr/sbin:/usr/bin:/bin`)).end).toBe('ok')
      expect(readFileSync(join(home, '.docker', 'config.json'), 'utf8')).toContain('auth')
    } finally {
      await registry.close()
      rmSync(home, { recursive: true, force: true })
    }
  })
})
