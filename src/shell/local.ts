import { randomUUID } from 'node:crypto'
import { constants, copyFile, mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { dirname } from 'node:path'
import { exec } from '@actions/exec'
import { UserError } from '../domain/errors.ts'
import { printable, Untrusted } from '../domain/text.ts'
import { collector } from './collector.ts'
import { drained } from './drained.ts'
import type { Content, Program, Ran, RunOptions, Shell } from './port.ts'
import { boundedScript, script, scriptAs } from './script.ts'
import { sudoFailure } from './sudo.ts'

/** How much longer than its limit a program is waited for: a critical one finishes what it has begun. */
const GRACE = 60_000

export type LocalOptions = {
  /** Where programs find their tools. */
  path?: string
  home?: string
  tmp?: string
}

/** The machine that the engine runs on. */
export const localShell = (options: LocalOptions = {}): Shell => {
  const env = {
    PATH: options.path ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LC_ALL: 'C',
    HOME: options.home ?? userInfo().homedir,
    TMPDIR: options.tmp ?? '/tmp',
  }
  return {
    run: (program, args, runOptions) => run(env, { program, args }, runOptions),
    put,
    get: tail,
    forward: to => Promise.resolve(to),
    close: () => Promise.resolve(),
  }
}

async function run(
  env: Record<string, string>,
  { program, args }: { program: Program; args: string[] },
  options: RunOptions,
): Promise<Ran> {
  const { as } = options
  const input = as ? scriptAs(as, boundedScript(program, args, options.limit / 1000)) : script(program, args)
  const out = collector(options.line)
  const err = collector()
  const seconds = String(Math.ceil(options.limit / 1000))
  const ended = exec(...drained(['timeout', seconds, 'sh', '-s']), {
    env,
    input: Buffer.from(input),
    silent: true,
    ignoreReturnCode: true,
    delay: 1000,
    cwd: '/',
    listeners: { stdout: out.add, stderr: err.add },
  })
  const code = await Promise.race([ended, late(options.limit + GRACE)])
  const ran: Ran = {
    code: code === 'late' ? null : code,
    stdout: out.text(),
    stderr: err.text(),
    late: code === 'late',
  }
  const from = userInfo().username
  const problem = as ? sudoFailure({ node: 'this machine', from, to: as }, ran) : undefined
  return problem ? { ...ran, code: null, lost: { problem, begun: false } } : ran
}

const late = (ms: number): Promise<'late'> =>
  new Promise(resolve => {
    setTimeout(() => resolve('late'), ms).unref()
  })

async function put(source: Content, path: string, mode: number): Promise<void> {
  const part = `${path}.${randomUUID()}`
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    if ('file' in source)
      await copyFile(source.file, part, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    else await writeFile(part, source.bytes, { mode: 0o600, flag: 'wx' })
    const handle = await open(part, 'r+')
    try {
      await handle.chmod(mode)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(part, path)
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined)
    throw new UserError({
      code: 'NODE_NOT_WRITABLE',
      what: `cannot write in ${dirname(path)}`,
      because: reason(error),
      next: 'give the user that runs this action write access to the install folder, or free some space',
    })
  }
}

async function tail(path: string, limit: number): Promise<Uint8Array> {
  try {
    const handle = await open(path, 'r')
    try {
      const { size } = await handle.stat()
      const length = Math.min(size, limit)
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length)
      return buffer.subarray(0, bytesRead)
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new Uint8Array()
    throw new UserError({
      code: 'NODE_NOT_READABLE',
      what: `cannot read ${path}`,
      because: reason(error),
      next: 'give the user that runs this action read access to it',
    })
  }
}

const reason = (error: unknown): string =>
  printable(new Untrusted(error instanceof Error ? error.message : String(error)))
