import type { ModeName } from './modes.ts'

/** Flags that are typed where somebody sits, and no inputs of the action. */
export type HandFlag = {
  name: 'yes' | 'undo' | 'as' | 'steal' | 'unit' | 'container'
  /** What stands behind it; '' where it stands alone. */
  value: string
  modes: readonly ModeName[]
  description: string
}

export const HAND_FLAGS: readonly HandFlag[] = [
  { name: 'yes', value: '', modes: ['adopt'], description: 'Do what is shown without asking.' },
  { name: 'undo', value: '', modes: ['adopt'], description: 'Take an adoption back.' },
  {
    name: 'as',
    value: 'USER',
    modes: ['adopt', 'init'],
    description: 'Log in as this user, who may become root, instead of the one that drives the nodes later.',
  },
  {
    name: 'unit',
    value: 'UNIT',
    modes: ['init'],
    description: 'The unit that runs the server, where several could.',
  },
  {
    name: 'container',
    value: 'NAME',
    modes: ['init'],
    description: 'The container that runs the server, where several could, or a unit beside it.',
  },
  {
    name: 'steal',
    value: '',
    modes: ['recover'],
    description:
      'Pass over whoever holds a node, even a run that may still work. It is recorded. Cancel that run first, if you can.',
  },
]

/** What was typed beside inputs. `words`: nodes to adopt, or machines to look at. */
export type ByHand = {
  words: string[]
  yes: boolean
  undo: boolean
  steal: boolean
  as?: string
  unit?: string
  container?: string
}
