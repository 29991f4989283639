/** Tools by which the programs of a node change something, or look before they do. */
export const CHANGING = [
  'mv',
  'rm',
  'mkdir',
  'chmod',
  'cp',
  'ln',
  'sync',
  'rmdir',
  'touch',
  'cat',
  'tar',
  'find',
  'grep',
] as const

/** The files of a count, as they may stand in a shell text: `at` holds the turn that dies, and is there only meanwhile. */
export type Count = { at: string; calls: string }

/**
 * A program for the front of a PATH: while somebody counts, it counts itself, and the call whose turn it is kills all that led to it, before
 * or behind the work of the tool. `top`: shell patterns of `PID/NAME` of whoever called the whole program; what such a one
 * did not call (it outlived its program) is not counted.
 */
export const countedTool = (real: string, { at, calls }: Count, top: string): string => `#!/usr/bin/dash
[ -f ${at} ] || exec ${real} "$@"
chain='' p=$PPID
while [ "$p" -gt 0 ]; do
  read -r name <"/proc/$p/comm" && read -r stat <"/proc/$p/stat" || exec ${real} "$@"
  case $p/$name in ${top}) break ;; esac
  chain="$p $chain"
  rest=\${stat##*) } rest=\${rest#? }
  p=\${rest%% *}
done
[ "$p" -gt 0 ] || exec ${real} "$@"
read -r turn how <${at}
read -r n <${calls}
n=$((n + 1))
echo "$n" >${calls}
[ "$n" = "$turn" ] || exec ${real} "$@"
[ "$how" = before ] || ${real} "$@"
kill -9 $chain
`

/** Turn 1 is before the first call, turn 2 behind it, and so on. */
export const turnText = (turn: number): string => `${callOf(turn)} ${turn % 2 === 1 ? 'before' : 'behind'}\n`
export const callOf = (turn: number): number => Math.ceil(turn / 2)
