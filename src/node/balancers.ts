import type { Problem } from '../domain/errors.ts'
import { drainCommands } from '../drain/commands.ts'
import { printable, Untrusted } from '../domain/text.ts'
import type { Program } from '../shell/port.ts'
import { parseProgress } from './answer.ts'
import { type Node, SHORT } from './places.ts'
import type { Progress } from './port.ts'

type Said = { traffic: 'in' | 'out'; progress?: (p: Progress) => void }

/**
 * Tells each load balancer that only we reach to take the node out, or let it in, or asks whether it would. Answers what the first says
 * that does not; `undefined` where all did.
 */
export async function tell(
  { config, options }: Pick<Node, 'config' | 'options'>,
  kind: 'out' | 'in' | 'check',
  { traffic, progress }: Said,
): Promise<Problem | undefined> {
  const drain = drainCommands(options.drain, config)
  const command = drain?.[kind]
  for (const shell of options.balancers ?? []) {
    if (command === undefined) return undefined
    const ran = await shell.run(onBalancer(command), [config.name, traffic], {
      limit: SHORT + (drain?.limit ?? 0),
      line: line => {
        const found = parseProgress(line)
        if (found) progress?.(found)
      },
    })
    if (ran.code === 0) continue
    const lines = `${ran.stdout}\n${ran.stderr}`
      .split('\n')
      .filter(line => line !== '' && !parseProgress(line))
    const said = printable(new Untrusted(lines.slice(-3).join(' ')), 300)
    const ended = ran.late ? 'no answer in time' : `exit ${ran.code ?? 'by a signal'}`
    return {
      code: 'DRAIN_FAILED',
      what: `${config.name}: it could not be taken out of traffic, or put back`,
      because: ran.lost ? noWay(ran.lost.problem) : said || ended,
      next: ran.lost?.problem.next ?? 'see to the load balancer, then run `recover`',
      where: config.name,
    }
  }
  return undefined
}

const noWay = ({ what, because }: Problem): string => (because === undefined ? what : `${what}: ${because}`)

const onBalancer = (command: string): Program => ({
  name: 'balancer',
  text: [
    'main() {',
    'NODE_NAME=$1 NODE_TRAFFIC=$2',
    'export NODE_NAME NODE_TRAFFIC',
    '(',
    command,
    ') 8>&1',
    '}',
    'main "$@" </dev/null',
  ].join('\n'),
})
