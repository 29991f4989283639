import { expect, it } from 'vitest'
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
