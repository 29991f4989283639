import { expect, test } from 'vitest'
import { askable, ownPage, pageOf, runPage, working } from '../../src/domain/holder.ts'
import type { Lease } from '../../src/domain/node.ts'

const page = { server: 'https://github.com', repository: 'ana/db', run: 7, attempt: 2 }
const lease: Lease = {
  rollout: 'r-1',
  process: 'p-1',
  token: 1,
  left: 1000,
  parked: false,
  holder: '@ana',
  doing: '',
  run: page,
}

test('the address of a run is read back as it was written', () => {
  expect(runPage(pageOf(page))).toEqual(page)
})

test.each([
  '',
  'https://github.com/ana/db/actions/runs/7',
  'https://github.com/ana/db/actions/runs/7/attempts/1?x=1',
  'https://github.com/ana/../db/actions/runs/7/attempts/1',
  'javascript:alert(1)//github.com/ana/db/actions/runs/7/attempts/1',
  'https://github.com@evil.example/ana/db/actions/runs/7/attempts/1',
  'https://github.com/ana/db/actions/runs/7/attempts/1\n::set-output',
  'https://github.com/a b/db/actions/runs/7/attempts/1',
])('anything else is none: %j', text => {
  expect(runPage(text)).toBeUndefined()
})

test('a process knows its own run, and none where it was typed', () => {
  const env = { GITHUB_REPOSITORY: 'ana/db', GITHUB_RUN_ID: '7', GITHUB_RUN_ATTEMPT: '2' }
  expect(ownPage(env)).toEqual(page)
  expect(ownPage({})).toBeUndefined()
})

test('only a run of the same repository on the same server may be asked about', () => {
  expect(askable(lease, { ...page, run: 9, attempt: 1 })).toEqual(page)
  for (const here of [
    undefined,
    { ...page, repository: 'eve/db' },
    { ...page, server: 'https://ghe.example' },
  ])
    expect(askable(lease, here)).toMatchObject({ is: 'unknown' })
  const { run: _, ...typed } = lease
  expect(askable(typed, page)).toMatchObject({ is: 'unknown' })
})

test('a parked lease, and one that ran out, is nobody at work', () => {
  expect(working(lease)).toBe(true)
  expect(working({ ...lease, parked: true })).toBe(false)
  expect(working({ ...lease, left: 0 })).toBe(false)
})
