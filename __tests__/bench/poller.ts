import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'

/** A ready answer: when it arrived (ms since the epoch), and the version that it named, such as `v0.2.1`. */
export type Answer = { at: number; version: string }

export type Poller = { answers: Answer[]; stop: () => Promise<void> }

/** How long after an answer the next one is asked for, ms. */
export const EVERY = 4

/**
 * Asks a node for its readiness all the time, as a client would that must not wait. A server that is paused answers late, one that
 * is gone not at all: either way the node was away between two answers.
 */
export function startPoller(url: string): Poller {
  const dispatcher = new Agent({ connections: 1, pipelining: 1, headersTimeout: 5000, connectTimeout: 1000 })
  const answers: Answer[] = []
  const over = new AbortController()
  const loop = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const version = await ask(url, dispatcher)
      if (version !== undefined) answers.push({ at: Date.now(), version })
      await sleep(EVERY)
    }
  }
  const done = loop()
  return {
    answers,
    stop: async () => {
      over.abort()
      await done
      await dispatcher.destroy()
    },
  }
}

async function ask(url: string, dispatcher: Agent): Promise<string | undefined> {
  try {
    const { statusCode, body } = await request(`${url}/readyz`, { dispatcher })
    const text = await body.text()
    if (statusCode !== 200) return undefined
    const said: unknown = JSON.parse(text)
    return typeof said === 'object' && said !== null && 'version' in said ? String(said.version) : ''
  } catch {
    return undefined
  }
}

/** The longest time without an answer that touches the span, ms. */
export function longestGap(answers: Answer[], span: { from: number; to: number }): number {
  const gaps = answers.slice(1).map((answer, i) => ({ from: answers[i]?.at ?? answer.at, to: answer.at }))
  const touching = gaps.filter(({ from, to }) => to >= span.from && from <= span.to)
  return Math.max(0, ...touching.map(({ from, to }) => to - from - EVERY))
}

/** When this version answered first after `from`; `undefined` when it never did. */
export const firstAnswer = (answers: Answer[], version: string, from: number): number | undefined =>
  answers.find(answer => answer.at >= from && answer.version === version)?.at
