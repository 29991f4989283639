import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Shell } from '../../src/shell/port.ts'
import { openSsh, type SshOptions } from '../../src/shell/ssh.ts'
import { type KeyPair, keyPair, openSshd, type Sshd } from './sshd.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const folder = mkdtempSync(join(tmpdir(), 'ssh test '))
let key: KeyPair
let node: Sshd & { close: () => Promise<void> }
let gate: Sshd & { close: () => Promise<void> }
const opened: Shell[] = []

beforeAll(async () => {
  key = keyPair(folder, 'rollout')
  node = await openSshd()
  gate = await openSshd('127.0.0.2')
  node.authorize(key.public)
  gate.authorize(key.public)
})
afterAll(async () => {
  for (const shell of opened) await shell.close()
  await node?.close()
  await gate?.close()
  rmSync(folder, { recursive: true, force: true })
})

const optionsOf = (more: Partial<SshOptions> = {}): SshOptions => ({
  dir: mkdtempSync(join(folder, 'run-')),
  nodes: [{ name: 'db-1', host: node.host, port: node.port, user: node.user }],
  key: key.private,
  knownHosts: node.knownHosts + gate.knownHosts,
  own: false,
  last: true,
  env: process.env,
  ...more,
})

async function open(more: Partial<SshOptions> = {}): Promise<Shell> {
  const shells = await openSsh(optionsOf(more))
  const [shell] = [...shells.values()]
  if (!shell) throw new Error('no shell')
  opened.push(shell)
  return shell
}
const configOf = ({ dir }: SshOptions): string =>
  `/tmp/pdbr-${createHash('sha256').update(dir).digest('hex').slice(0, 16)}/config`
const program = (body: string) => ({ name: 'test', text: `main() {\n${body}\n}\nmain "$@" </dev/null` })
const jump = () => ({ host: gate.host, port: gate.port, user: gate.user })
const failure = async (more: Partial<SshOptions>) => {
  const shell = await open(more)
  const { lost } = await shell.run(program('echo never'), [], { limit: 5000 })
  return lost ?? expect.fail('it was reached')
}

describe('a program over ssh', () => {
  test('runs, hands out lines as they come, and says how it ended', async () => {
    const shell = await open()
    const lines: string[] = []
    const ran = await shell.run(program('echo "one $1"; echo two; echo ünï >&2; exit 3'), ['ünï "x"'], {
      limit: 5000,
      line: line => lines.push(line),
    })
    expect(ran).toMatchObject({ code: 3, stderr: 'ünï\n', late: false })
    expect(lines).toEqual(['one ünï "x"', 'two'])
  })

  test('is told to end over there when its time is over, and one that the engine lost is too', async () => {
    const shell = await open()
    const mark = join(folder, 'mark')
    const ran = await shell.run(program(`trap 'echo ended >"$1"; exit 9' TERM; sleep 30 & wait`), [mark], {
      limit: 1000,
    })
    expect(ran.code).not.toBe(0)
    expect(readFileSync(mark, 'utf8')).toBe('ended\n')
  })

  test('that prints without end, or no line at all, is cut off', async () => {
    const shell = await open()
    const ran = await shell.run(
      program('yes | head -c 60000000; yes | head -c 1000000 >&2; echo end=ok'),
      [],
      {
        limit: 3000,
      },
    )
    expect(ran.stdout.length).toBeLessThanOrEqual(16 * 1024 * 1024)
    expect(ran.stdout.endsWith('end=ok\n')).toBe(false)
    expect(ran.stderr.length).toBeLessThanOrEqual(65_536)
  })

  test.each(['directly', 'through a jump host'])('gets any argument as data alone, %s', async how => {
    const shell = await open(how === 'directly' ? {} : { jump: jump() })
    const word = fc.oneof(
      fc.string({ unit: 'binary' }).filter(s => !s.includes('\0')),
      fc.constantFrom(
        "'",
        '"',
        '$(id)',
        '`id`',
        '\n',
        '-n',
        '--',
        '%s',
        '\\',
        '!',
        '*',
        '~',
        'a\nb',
        '$HOME',
        '\r',
        'ü',
      ),
      fc
        .array(fc.constantFrom("'", '"', '\\', '$', '(', ')', '\n', ' ', ';', '&'), { maxLength: 12 })
        .map(a => a.join('')),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          word.map(s => s.toWellFormed()),
          { maxLength: 4 },
        ),
        async words => {
          const ran = await shell.run(program('for w; do printf "%s\\0" "$w"; done'), words, {
            limit: 10_000,
          })
          expect(ran.stdout.split('\0').slice(0, -1)).toEqual(words)
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('files', () => {
  test('arrive whole, private, under any name, and leave no part behind', async () => {
    const shell = await open()
    const bytes = randomBytes(9_000_000)
    const home = join(folder, "it's a $(name) with ünï")
    const path = join(home, 'b i n')
    const sent: number[] = []
    await shell.put({ bytes }, path, 0o600, done => sent.push(done))
    expect(createHash('sha256').update(readFileSync(path)).digest('hex')).toBe(
      createHash('sha256').update(bytes).digest('hex'),
    )
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(sent.length).toBeGreaterThan(1)
    expect(sent.at(-1)).toBe(bytes.length)
    writeFileSync(join(folder, 'source'), '')
    await shell.put({ file: join(folder, 'source') }, path, 0o700)
    expect(readFileSync(path)).toHaveLength(0)
    expect(statSync(path).mode & 0o777).toBe(0o700)
    expect(readdirSync(home)).toEqual(['b i n'])
    await shell.put({ bytes: Buffer.from('x\ny') }, path, 0o600)
    expect(Buffer.from(await shell.get(path, 2)).toString()).toBe('\ny')
    expect(await shell.get(join(home, 'missing'), 9)).toHaveLength(0)
  })

  test('cannot be written where a file is in the way, and says so', async () => {
    const shell = await open()
    writeFileSync(join(folder, 'source'), '')
    await expect(
      shell.put({ bytes: Buffer.from('x') }, join(folder, 'source', 'x'), 0o600),
    ).rejects.toMatchObject({
      problems: [{ code: 'NODE_NOT_WRITABLE', where: 'db-1' }],
    })
  })
})

describe('the connection', () => {
  test('is one for everything, and what was forwarded is found again after it was lost', async () => {
    // a client that keeps a connection would find it closed only when it asks
    const server = createServer((_, response) => response.setHeader('connection', 'close').end('hello'))
    server.listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await new Promise(resolve => server.once('listening', resolve))
    const at = server.address()
    if (at === null || typeof at === 'string') throw new Error('no port')
    const options = optionsOf()
    const shell = await open(options)
    const ask = async (): Promise<string> => {
      const { host, port } = await shell.forward({ host: '127.0.0.1', port: at.port })
      return (await fetch(`http://${host}:${port}/`)).text()
    }
    expect(await ask()).toBe('hello')
    const first = await shell.forward({ host: '127.0.0.1', port: at.port })
    expect(await shell.forward({ host: '127.0.0.1', port: at.port })).toEqual(first)
    const parents = await Promise.all(
      [1, 2, 3].map(() => shell.run(program('echo "$SSH_CONNECTION"'), [], { limit: 5000 })),
    )
    expect(new Set(parents.map(p => p.stdout)).size).toBe(1)
    const lose = (): void =>
      void execFileSync('ssh', ['-F', configOf(options), '-O', 'exit', node.host], { stdio: 'ignore' })
    lose()
    expect(await ask()).toBe('hello')
    // lost again, and made anew by another command, which knows of no forward
    lose()
    await shell.run(program('true'), [], { limit: 5000 })
    expect(await ask()).toBe('hello')
  })

  test('leaves nothing of the key and no process when it ends', async () => {
    const options = optionsOf()
    const [shell] = [...(await openSsh(options)).values()]
    await shell?.run(program('true'), [], { limit: 5000 })
    expect(statSync(join(options.dir, 'ssh', 'key')).mode & 0o777).toBe(0o600)
    expect(statSync(join(options.dir, 'ssh')).mode & 0o777).toBe(0o700)
    await shell?.close()
    expect(readdirSync(join(options.dir, 'ssh'))).toEqual(['known_hosts'])
    expect(existsSync(dirname(configOf(options)))).toBe(false)
  })
})

describe('by hand', () => {
  const home = (lines: string[]): string => {
    const path = mkdtempSync(join(folder, 'home '))
    mkdirSync(join(path, '.ssh'))
    writeFileSync(join(path, '.ssh', 'known'), node.knownHosts + gate.knownHosts)
    writeFileSync(join(path, '.ssh', 'key'), key.private, { mode: 0o600 })
    writeFileSync(
      join(path, '.ssh', 'config'),
      `${lines.map(line => line.replaceAll('~', path)).join('\n')}\n`,
    )
    return path
  }
  const mine = ['UserKnownHostsFile "~/.ssh/known"', 'IdentityFile "~/.ssh/key"']
  const reached = async (lines: string[], given: Partial<SshOptions>) => {
    const shell = await open({ own: true, env: { ...process.env, HOME: home(lines) }, ...given })
    const ran = await shell.run(program('echo "$SSH_CONNECTION"'), [], { limit: 5000 })
    return ran.lost?.problem.code ?? ran.stdout
  }

  test("the user's own configuration, key and known hosts serve, by the names of the machines", async () => {
    const own = [`Host ${node.host}`, ...mine]
    expect(await reached(own, { key: '', knownHosts: '' })).toContain(`${node.host} ${node.port}`)
    expect(await reached(['Host another', ...mine], { key: '', knownHosts: '' })).toBe('SSH_HOST_UNKNOWN')
  })
  test('what was given wins over it, also that no host is trusted on first use', async () => {
    const lax = [
      'Host *',
      'StrictHostKeyChecking no',
      'UserKnownHostsFile /dev/null',
      'IdentityFile "~/.ssh/key"',
    ]
    expect(await reached(lax, { key: '', knownHosts: gate.knownHosts })).toBe('SSH_HOST_UNKNOWN')
  })
})

describe('why there is no connection', () => {
  test('the host key is not known', async () => {
    const { problem, begun } = await failure({ knownHosts: gate.knownHosts })
    expect(problem).toMatchObject({ code: 'SSH_HOST_UNKNOWN', where: 'db-1' })
    expect(problem.next).toContain(`ssh-keyscan -t ed25519 -p ${node.port} 127.0.0.1`)
    expect(begun).toBe(false)
  })
  test('the host key is another one', async () => {
    const other = keyPair(folder, 'other-host')
    const { problem } = await failure({ knownHosts: `[127.0.0.1]:${node.port} ${other.public}\n` })
    expect(problem.code).toBe('SSH_HOST_KEY_CHANGED')
    expect(problem.next).toContain('console')
  })
  test('the key is refused: the line to add is there', async () => {
    const stranger = keyPair(folder, 'stranger')
    const { problem } = await failure({ key: stranger.private })
    expect(problem.code).toBe('SSH_KEY_REFUSED')
    expect(problem.next).toContain(stranger.public.split(' ').slice(0, 2).join(' '))
    expect(JSON.stringify(problem)).not.toContain('PRIVATE')
  })
  test('nobody listens', async () => {
    const dead = await openSshd('127.0.0.3')
    await dead.close()
    const { problem } = await failure({
      nodes: [{ name: 'db-9', host: dead.host, port: dead.port, user: dead.user }],
      knownHosts: dead.knownHosts,
    })
    expect(problem).toMatchObject({ code: 'SSH_UNREACHABLE', where: 'db-9' })
    expect(problem.because).toContain('refused')
  })
  test('the name does not resolve', async () => {
    const { problem } = await failure({
      nodes: [{ name: 'db-9', host: 'no-such-host.invalid', port: 22, user: 'x' }],
    })
    expect(problem.code).toBe('SSH_NAME_UNKNOWN')
  })
  test('a jump host whose key is not known is refused', async () => {
    const { problem } = await failure({ jump: jump(), knownHosts: node.knownHosts })
    expect(problem.code).toBe('SSH_HOST_UNKNOWN')
    expect(problem.what).toContain(`[127.0.0.2]:${gate.port}`)
  })
})
