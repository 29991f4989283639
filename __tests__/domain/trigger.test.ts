import { expect, test } from 'vitest'
import { refusals } from '../../src/domain/trigger.ts'

const sha = 'a'.repeat(40)
const other = 'b'.repeat(40)

test.each<[event: string, head: string, mode: string, code: string | undefined]>([
  ['push', sha, 'release', undefined],
  ['push', other, 'release', undefined],
  ['workflow_dispatch', 'none', 'rollback', undefined],
  ['release', sha, 'release', undefined],
  ['', 'none', 'release', undefined],
  ['pull_request_target', sha, 'release', undefined],
  ['pull_request_target', other, 'release', 'CHECKOUT_NOT_TRUSTED'],
  ['pull_request_target', other, 'plan', 'CHECKOUT_NOT_TRUSTED'],
  ['workflow_run', other, 'status', 'CHECKOUT_NOT_TRUSTED'],
  ['workflow_run', 'none', 'release', 'CHECKOUT_NOT_TRUSTED'],
  ['issue_comment', other, 'release', 'CHECKOUT_NOT_TRUSTED'],
  ['issue_comment', sha, 'recover', undefined],
  ['pull_request', sha, 'release', 'PULL_REQUEST_CHANGES_NOTHING'],
  ['pull_request', sha, 'rollback', 'PULL_REQUEST_CHANGES_NOTHING'],
  ['pull_request', sha, 'recover', 'PULL_REQUEST_CHANGES_NOTHING'],
  ['pull_request', other, 'plan', undefined],
  ['pull_request', other, 'status', undefined],
  ['pull_request_review', sha, 'release', 'PULL_REQUEST_CHANGES_NOTHING'],
])('under %s, workspace at %s, mode %s: %s', (event, head, mode, code) => {
  expect(refusals({ event, sha, head, mode }).map(problem => problem.code)).toEqual(
    code === undefined ? [] : [code],
  )
})

test('what is not a commit is not repeated', () => {
  expect(
    JSON.stringify(refusals({ event: 'workflow_run', sha, head: '::error::x', mode: 'plan' })),
  ).not.toContain('::')
})
