import { fork } from 'node:child_process'
import { parseArgs } from 'node:util'
import { failures } from './seeds.ts'

/*
 * npm run simulate -- --seeds 1000000 --from 0 --jobs 2
 * Any number of histories, with progress. One that goes wrong is made small and told, and its seed lives it again; `--most` of them a
 * job are looked for.
 */

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10000' },
    from: { type: 'string', default: '0' },
    jobs: { type: 'string', default: '2' },
    most: { type: 'string', default: '3' },
    // of a job: the first and the step
    part: { type: 'string' },
  },
})

const number = (name: 'seeds' | 'from' | 'jobs' | 'most', least: number): number => {
  const n = Number(values[name])
  if (!Number.isSafeInteger(n) || n < least) throw new Error(`--${name} is a whole number from ${least}`)
  return n
}
const [seeds, from, jobs, most] = [
  number('seeds', 1),
  number('from', 0),
  number('jobs', 1),
  number('most', 1),
]

/** One job tells its parent how far it is, and what it found, a line each. */
async function part(first: number): Promise<void> {
  const heard = (done: number): void => {
    if (done % 200 === 0) console.log('done 200')
  }
  const range = { from: first, to: from + seeds, step: jobs }
  for (const text of await failures(range, heard, most)) console.log(`told ${JSON.stringify(text)}`)
}

async function whole(): Promise<void> {
  const began = performance.now()
  const told: string[] = []
  let done = 0
  let shown = began
  const heard = (line: string): void => {
    if (line === 'done 200') done += 200
    else if (line.startsWith('told ')) told.push(String(JSON.parse(line.slice(5))))
    else if (line !== '') console.log(line)
    const now = performance.now()
    if (now - shown < 5000) return
    shown = now
    const left = ((now - began) / Math.max(1, done)) * (seeds - done)
    console.log(`${done} of ${seeds} seeds, ${told.length} went wrong, ${Math.round(left / 1000)} s left`)
  }
  const codes = await Promise.all(Array.from({ length: jobs }, (_, job) => started(from + job, heard)))
  for (const text of told) console.log(`\n${text}`)
  const seconds = Math.round((performance.now() - began) / 100) / 10
  console.log(
    `${seeds} seeds from ${from}: ${told.length === 0 ? 'none' : told.length} went wrong, ${seconds} s`,
  )
  process.exitCode = told.length === 0 && codes.every(code => code === 0) ? 0 : 1
}

/** A job on a processor of its own; answers its exit code. */
function started(first: number, heard: (line: string) => void): Promise<number | null> {
  const words = ['--seeds', seeds, '--from', from, '--jobs', jobs, '--most', most, '--part', first].map(
    String,
  )
  const job = fork(import.meta.filename, words, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  let rest = ''
  job.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) heard(line)
  })
  return new Promise(resolve => job.on('close', resolve))
}

await (values.part === undefined ? whole() : part(Number(values.part)))
if (process.connected) process.disconnect()
