import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { keepServerLogs } from '../../src/reporting/server-logs.ts'
import { fresh, Notes } from '../domain/retell/journal.ts'

test('the logs of servers that this rollout started, of as many lives, without secrets; a node that is gone has none', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'logs-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const start = (node: string) => ({ kind: 'step', node, step: { do: 'start', release: fresh } }) as const
  const { events } = new Notes()
    .opened('canary')
    .begin(start('db-1'))
    .begin(start('db-1'))
    .begin(start('db-2'))
    .begin(start('db-3'))
    .begin({ kind: 'step', node: 'db-4', step: { do: 'stop' } })
  const asked: [string, number][] = []
  const node = (name: string, text: string) => ({
    serverLogs: async (lives: number) => {
      asked.push([name, lives])
      if (text === 'gone') throw new Error('no connection')
      return [
        { name: 'server.log', text },
        ...(lives > 1 ? [{ name: 'server.log.1', text: 'before\n' }] : []),
      ]
    },
  })
  const nodes = new Map([
    ['db-1', node('db-1', 'key s3cret\n')],
    ['db-2', node('db-2', 'gone')],
    ['db-3', node('db-3', '')],
    ['db-4', node('db-4', 'not ours\n')],
  ])
  await keepServerLogs(events, { nodes, folder, redact: text => text.replaceAll('s3cret', '***') })
  expect(asked).toEqual([
    ['db-1', 2],
    ['db-2', 1],
    ['db-3', 1],
  ])
  expect(readdirSync(folder).toSorted()).toEqual(['db-1.server.log', 'db-1.server.log.1'])
  expect(readFileSync(join(folder, 'db-1.server.log'), 'utf8')).toBe('key ***\n')
})
