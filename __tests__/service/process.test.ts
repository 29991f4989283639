import { expect, it } from 'vitest'
import { drainWords } from '../../src/drain/commands.ts'
import { Bug } from '../../src/domain/errors.ts'
import { processService } from '../../src/service/process.ts'

it('gives words for the programs, and leads no guest to production', () => {
  const env = { PROGRESSDB_SERVER_DB_PATH: '/var/lib/db', PROGRESSDB_SERVER_PORT: '80', LOG_LEVEL: 'a=b' }
  const service = processService({ kind: 'process', args: ['--config', '{config}'], env })
  expect(service.words).toEqual([
    'env=PROGRESSDB_SERVER_DB_PATH=/var/lib/db',
    'env=PROGRESSDB_SERVER_PORT=80',
    'env=LOG_LEVEL=a=b',
    'arg=--config',
    'arg={config}',
  ])
  expect(service.stageWords).toEqual(['env=LOG_LEVEL=a=b', 'arg=--config', 'arg={config}'])
})

it('passes the drain command on as one word', () => {
  const node = { name: 'db-1', url: 'http://127.0.0.1:8081', install: '/i', data: '/d', config: '/c' }
  expect(drainWords({ kind: 'commands', out: "a 'b'", in: 'c', limit: 1500 }, 'out', node)).toEqual([
    'kind=out',
    "command=a 'b'",
    'limit=2',
    'node=db-1',
    'port=8081',
  ])
  expect(() => drainWords({ kind: 'none' }, 'in', node)).toThrow(Bug)
})
