/** What of a job's log is shown: the engine's own lines, without each step's script and variables, which fold away on GitHub too. */
export type Screen = { step: (id: string) => void; line: (text: string) => void }

export function screen(show: (text: string) => void): Screen {
  let step = ''
  let folded = false
  return {
    step: id => {
      step = id
    },
    line: text => {
      if (text.startsWith('##[group]')) folded = true
      // The report step says in the log what its summary says, and that is shown in its place.
      else if (!folded && step !== 'report' && text.trim() !== '') show(`  ${text}`)
      if (text.startsWith('##[endgroup]')) folded = false
    },
  }
}

/** The outcome and the answers under it: everything before the first table. */
export function firstLines(summary: string): string[] {
  const lines = summary.split('\n')
  const table = lines.findIndex(line => line.startsWith('|') || line.startsWith('### '))
  return lines
    .slice(0, table < 0 ? 8 : table)
    .map(line => line.trimEnd())
    .filter(line => line !== '')
}
