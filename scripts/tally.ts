import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

type Report = {
  success: boolean
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  testResults: { name: string; status: string; message: string; assertionResults: Result[] }[]
}
type Result = { fullName: string; status: string; failureMessages: string[] | null }

/**
 * Adds up what vitest's JSON reporter wrote: `node scripts/tally.ts FOLDER [part that failed ...]` prints what failed,
 * as the end of a long log is read first, and one line, `N passed, N failed, N skipped`. A test file that did not load,
 * and every part named, counts as one failure.
 */
const [folder = '', ...failedParts] = process.argv.slice(2)
const reports = readdirSync(folder)
  .filter(name => name.endsWith('.json'))
  .map((name): Report => JSON.parse(readFileSync(join(folder, name), 'utf8')))
const sum = (count: (report: Report) => number): number =>
  reports.reduce((all, report) => all + count(report), 0)
const notLoaded = (report: Report): number =>
  report.testResults.filter(file => file.status === 'failed' && file.assertionResults.length === 0).length

const passed = sum(report => report.numPassedTests)
/** An error outside of any test leaves no failed test behind. */
const failures = (report: Report): number =>
  Math.max(report.numFailedTests + notLoaded(report), report.success ? 0 : 1)
const failed = sum(failures) + failedParts.length
for (const file of reports.flatMap(report => report.testResults)) {
  if (file.status === 'failed' && file.assertionResults.length === 0)
    console.log(`FAIL ${file.name}\n${file.message}`)
  for (const test of file.assertionResults.filter(each => each.status === 'failed')) {
    console.log(`FAIL ${file.name} > ${test.fullName}\n${test.failureMessages?.join('\n') ?? ''}\n`)
  }
}
const skipped = sum(report => report.numPendingTests + report.numTodoTests)
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
