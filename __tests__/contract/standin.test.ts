import { beforeAll } from 'vitest'
import { buildRelease } from '../standin/release.ts'
import { progressdbContract, type Subject } from './progressdb.contract.ts'

let subject: Subject

beforeAll(async () => {
  subject = { binary: (await buildRelease({ version: '0.2.1' })).binary, version: 'v0.2.1', tables: '.ldb' }
}, 60_000)

progressdbContract('stand-in', () => subject)
