import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { UserError } from '../../src/domain/errors.ts'
import { localShell } from '../../src/shell/local.ts'

const folder = mkdtempSync(join(tmpdir(), 'local shell '))
afterAll(() => rmSync(folder, { recursive: true }))
const shell = localShell({ tmp: folder })
const program = (body: string): { name: string; text: string } => ({
  name: 'test',
  text: `main() {\n${body}\n}\nmain "$@" </dev/null`,
})

it('runs with its own small environment, and hands out lines as they come', async () => {
  process.env['SECRET_OF_THE_ENGINE'] = 'x'
  const lines: string[] = []
  const ran = await shell.run(program('env; echo "$1" >&2; exit 3'), ['ünï'], {
    limit: 5000,
    line: line => lines.push(line),
  })
  expect(ran).toMatchObject({ code: 3, stderr: 'ünï\n', late: false })
  const names = lines
    .map(line => line.split('=')[0])
    .filter(name => !['PWD', '_', 'SHLVL', 'OLDPWD'].includes(name ?? ''))
  expect(names.toSorted((a = '', b = '') => a.localeCompare(b))).toEqual(['HOME', 'LC_ALL', 'PATH', 'TMPDIR'])
})

it('tells a program to end when its time is over', async () => {
  const begun = performance.now()
  const ran = await shell.run(program('sleep 20'), [], { limit: 1000 })
  expect(performance.now() - begun).toBeLessThan(5000)
  expect(ran.code).not.toBe(0)
})

it('never takes an end by a signal for success', async () => {
  const ran = await shell.run(program('kill -9 $$'), [], { limit: 5000 })
  expect(ran.code).not.toBe(0)
})

it('puts whole files, private ones private, and leaves no part behind', async () => {
  const path = join(folder, 'new folder', 'secret')
  await shell.put({ bytes: Buffer.from('key') }, path, 0o600)
  expect(readFileSync(path, 'utf8')).toBe('key')
  expect(statSync(path).mode & 0o777).toBe(0o600)
  writeFileSync(join(folder, 'source'), 'binary')
  chmodSync(join(folder, 'source'), 0o444)
  await shell.put({ file: join(folder, 'source') }, path, 0o700)
  expect(readFileSync(path, 'utf8')).toBe('binary')
  await expect(shell.put({ file: join(folder, 'missing') }, path, 0o600)).rejects.toBeInstanceOf(UserError)
  await expect(
    shell.put({ bytes: Buffer.from('x') }, join(folder, 'source', 'x'), 0o600),
  ).rejects.toBeInstanceOf(UserError)
  expect(readdirSync(join(folder, 'new folder'))).toEqual(['secret'])
  expect(Buffer.from(await shell.get(path, 3)).toString()).toBe('ary')
  expect(await shell.get(join(folder, 'missing'), 10)).toHaveLength(0)
})

it('gives the address of a port', async () => {
  expect(await shell.forward({ host: '127.0.0.1', port: 8080 })).toEqual({ host: '127.0.0.1', port: 8080 })
})

it('survives a program that ends before it has read its input', async () => {
  // a mistake at its beginning: the shell gives up, and reads no further
  const long = { name: 'long', text: `)\n${'x\n'.repeat(200_000)}` }
  const ended = await Promise.all(Array.from({ length: 20 }, () => shell.run(long, [], { limit: 5000 })))
  expect(new Set(ended.map(ran => ran.code))).toEqual(new Set([2]))
})
