import { HOOK_POINTS } from '../../src/domain/hook-points.ts'
import { seeded } from '../domain/model/choose.ts'
import type { Millis } from '../../src/domain/node.ts'
import type { History, Mishap, Runner } from './life.ts'
import type { Setting, Wall } from './universe.ts'

const DAY: Millis = 86_400_000

/** The history that a seed stands for. */
export function historyOf(seed: number): History {
  const { random } = seeded(seed, 0)
  const pick = <T>(...of: [T, ...T[]]): T => of[Math.floor(random() * of.length)] ?? of[0]
  const chance = (share: number): boolean => random() < share
  const within = (ms: number): number => Math.floor(random() * ms)
  const drain = chance(0.6)
  /** Most runners' clocks are right; some are far off, or corrected while they work. */
  const wall = (): { wall?: Wall } =>
    chance(0.8) ? {} : { wall: { ahead: within(2 * DAY) - DAY, step: pick(0, -60_000, 60_000, -DAY, DAY) } }
  const kill = (share: number, ms: number): { kill?: number } => (chance(share) ? { kill: within(ms) } : {})
  const runners: Runner[] = [
    {
      at: 0,
      mode: 'release',
      stopAfter: chance(0.25) ? pick('canary', 'rehearse') : 'none',
      ...kill(0.5, 240_000),
      ...wall(),
    },
  ]
  if (chance(0.35))
    runners.push({
      at: within(300_000),
      mode: pick<Runner['mode']>('release', 'recover'),
      stopAfter: 'none',
      ...kill(0.5, 120_000),
      ...wall(),
    })
  if (chance(0.3))
    runners.push({ at: 400_000 + within(900_000), mode: 'release', stopAfter: 'none', ...wall() })
  const mishaps = Array.from({ length: pick(0, 0, 1, 1, 2, 3) }, (): Mishap => {
    const what = pick<Mishap['what']>('cut', 'cut', 'reboot', 'crash', 'full', 'slow', 'clock')
    const long = what === 'cut' && chance(0.3) ? 900_000 : 1000 + within(30_000)
    const moment = what === 'reboot' || what === 'crash' || what === 'clock'
    return {
      at: within(300_000),
      node: within(3),
      what,
      for: moment ? 0 : long,
      ...(what === 'clock' ? { by: within(2 * DAY) - DAY } : {}),
    }
  })
  const setting: Setting = {
    nodes: pick(1, 2, 3),
    waveSize: pick(1, 2),
    bad: chance(0.15) ? 1 : 0,
    hold: chance(0.3),
    nature: {
      newStarts: !chance(0.1),
      newHolds: !chance(0.1),
      migrates: chance(0.3),
      surprise: chance(0.2),
      drain,
      supervised: chance(0.5),
      wal: !drain || chance(0.5),
      window: 600_000,
    },
  }
  const quiet = chance(0.5) ? 1_000_000 : within(200_000)
  if (drain && chance(0.25)) {
    const long = chance(0.5) ? 1000 + within(60_000) : 900_000
    mishaps.push({ at: within(300_000), node: within(3), what: 'balancer', for: long })
  }
  if (chance(0.2)) setting.asks = pick<NonNullable<Setting['asks']>>('yes', 'yes', ...HOOK_POINTS)
  return { setting, runners, mishaps, quiet }
}

const withoutHooks = ({ asks: _, ...setting }: Setting): Setting => setting

/** Smaller histories of the same kind, the smallest first; whatever still fails is easier to read. */
export const smaller = (h: History): History[] => [
  ...h.mishaps.map((_, i) => ({ ...h, mishaps: h.mishaps.toSpliced(i, 1) })),
  ...h.runners.flatMap((_, i) =>
    h.runners.length > 1 ? [{ ...h, runners: h.runners.toSpliced(i, 1) }] : [],
  ),
  ...(h.setting.nodes > 1 ? [{ ...h, setting: { ...h.setting, nodes: h.setting.nodes - 1 } }] : []),
  ...h.runners.flatMap((r, i) => {
    const { kill, ...rest } = r
    return kill === undefined ? [] : [{ ...h, runners: h.runners.with(i, rest) }]
  }),
  ...h.runners.flatMap((r, i) => {
    const { wall, ...rest } = r
    return wall === undefined ? [] : [{ ...h, runners: h.runners.with(i, rest) }]
  }),
  ...(h.setting.asks === undefined ? [] : [{ ...h, setting: withoutHooks(h.setting) }]),
  ...(h.setting.bad > 0 ? [{ ...h, setting: { ...h.setting, bad: 0 } }] : []),
  ...(['migrates', 'surprise', 'supervised'] as const).flatMap(key =>
    h.setting.nature[key]
      ? [{ ...h, setting: { ...h.setting, nature: { ...h.setting.nature, [key]: false } } }]
      : [],
  ),
]
