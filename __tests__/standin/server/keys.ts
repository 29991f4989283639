/** Key formats of the original: threads and messages in `store`, indexes and relations in `index`. */
export type KeyKind = 'thread' | 'provisional' | 'message' | 'other'

export const threadKey = (ns: bigint): string => `t:${ns}`
export const provisionalKey = (thread: string, ns: bigint): string => `${thread}:m:${ns}`
export const messageKey = (provisional: string, sequence: number): string =>
  `${provisional}:${String(sequence).padStart(9, '0')}`
export const versionKey = (message: string, ns: bigint, sequence: string): string =>
  `v:${message}:${ns}:${sequence}`
export const messagesOf = (thread: string): string => `${thread}:m:`

export const endKey = (thread: string): string => `idx:${thread}:ms:end`
export const indexKey = (thread: string, what: 'start' | 'end' | 'lc' | 'lu'): string =>
  `idx:${thread}:ms:${what}`
export const ownsKey = (user: string, thread: string): string => `rel:u:${user}:${thread}`
export const participatesKey = (thread: string, user: string): string => `rel:${thread}:u:${user}`
export const deletedKey = (key: string): string => `del:${key}`

export function kindOf(key: string): KeyKind {
  const [head, , m, , sequence, ...rest] = key.split(':')
  if (head !== 't' || rest.length > 0) return 'other'
  if (m === undefined) return 'thread'
  if (m !== 'm' || key.split(':').length < 4) return 'other'
  return sequence === undefined ? 'provisional' : 'message'
}

/** The thread part of a thread or message key. */
export const threadOf = (key: string): string => key.split(':').slice(0, 2).join(':')

let last = 0n

/** Nanoseconds since the epoch, never the same twice in one process: keys are made of it. */
export function nowNs(): bigint {
  const now = BigInt(Date.now()) * 1_000_000n
  last = now > last ? now : last + 1n
  return last
}
