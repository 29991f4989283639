import type { Standing } from './event.ts'
import type { Survey, SurveyedNode } from './survey.ts'

/** What the survey found each node to be, those out of reach first. */
export const standingsOf = (found: Survey): Standing[] => [
  ...found.unreachable.map(({ node, failure }): Standing => {
    return { node, state: 'unreachable', version: 'unknown', says: failure.what }
  }),
  ...found.nodes.map(standingOf),
]

function standingOf({ node, now, why }: SurveyedNode): Standing {
  if (typeof now.running !== 'object') return { node, state: 'not-serving', version: now.running, says: why }
  const { version } = now.running
  if (!now.ready) return { node, state: 'not-serving', version, says: `not ready: ${why}` }
  if (now.traffic === 'drained')
    return { node, state: 'not-serving', version, says: 'ready, but out of traffic' }
  return { node, state: 'serving', version, says: 'ready' }
}
