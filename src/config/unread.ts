/**
 * Settings at the top of the file with a problem in or under them. Rules that need them are not judged: one mistake
 * is said once.
 */
export type Unread = ReadonlySet<string>

/** Stands in the set where no nodes were written at all. */
export const NO_NODES = 'no nodes'
