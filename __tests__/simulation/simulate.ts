import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { failures } from './seeds.ts'

/*
 * npm run simulate -- --seeds 1000000 --from 0 --jobs 2
 * Any number of histories, with progress. One that goes wrong is made small and told, and its seed lives it again; `--most` of them a
 * job are looked for.
 */

type Range = { from: number; to: number; step: number; most: number }
type Message = { done: number } | { told: string[] }

async function part(range: Range): Promise<void> {
  let last = 0
  const heard = (done: number): void => {
    if (done - last < 200) return
    parentPort?.postMessage({ done: done - last } satisfies Message)
    last = done
  }
  const told = await failures(range, heard, range.most)
  parentPort?.postMessage({ told } satisfies Message)
}

async function whole(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '10000' },
      from: { type: 'string', default: '0' },
      jobs: { type: 'string', default: '2' },
      most: { type: 'string', default: '3' },
    },
  })
  const [seeds, from, jobs, most] = [values.seeds, values.from, values.jobs, values.most].map(Number) as [
    number,
    number,
    number,
    number,
  ]
  if (![seeds, from, jobs, most].every(n => Number.isSafeInteger(n) && n >= 0) || jobs === 0 || most === 0)
    throw new Error('--seeds, --from, --jobs and --most are whole numbers')
  const began = performance.now()
  let done = 0
  let shown = began
  const told: string[] = []
  const progress = (): void => {
    const now = performance.now()
    if (now - shown < 5000) return
    shown = now
    const left = ((now - began) / Math.max(1, done)) * (seeds - done)
    console.log(`${done} of ${seeds} seeds, ${told.length} went wrong, ${Math.round(left / 1000)} s left`)
  }
  const workers = Array.from({ length: jobs }, (_, job) => {
    const range: Range = { from: from + job, to: from + seeds, step: jobs, most }
    const worker = new Worker(new URL(import.meta.url), { workerData: range })
    return new Promise<void>((resolve, reject) => {
      worker.on('message', (message: Message) => {
        if ('done' in message) done += message.done
        else told.push(...message.told)
        progress()
      })
      worker.on('error', reject)
      worker.on('exit', () => resolve())
    })
  })
  await Promise.all(workers)
  for (const text of told) console.log(`\n${text}`)
  const seconds = Math.round((performance.now() - began) / 100) / 10
  console.log(
    `${seeds} seeds from ${from}: ${told.length === 0 ? 'none' : told.length} went wrong, ${seconds} s`,
  )
  process.exitCode = told.length === 0 ? 0 : 1
}

await (isMainThread ? whole() : part(workerData as Range))
