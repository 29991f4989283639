import type { Observed } from './node.ts'

/** Whether clients reach the node, as far as a drain of ours has to do with it: one that was begun may have been done. */
export const inTraffic = ({ traffic }: Pick<Observed, 'traffic'>): boolean =>
  traffic === 'in' || traffic === 'no-drain'

/** How a node that is well, but that clients do not reach, is told of. */
export const OUT_OF_TRAFFIC = 'ready, but out of traffic'
