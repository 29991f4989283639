/** A write as it is queued, logged in the intake WAL and applied. `ns` is the request's time, as text. */
export type Operation =
  | { do: 'create-thread'; key: string; author: string; ns: string; title: string }
  | { do: 'update-thread'; key: string; author: string; ns: string }
  | { do: 'delete-thread'; key: string; author: string; ns: string }
  | { do: 'create-message'; key: string; thread: string; author: string; ns: string; body: unknown }
  | { do: 'update-message'; key: string; thread: string; author: string; ns: string; body: unknown }
  | { do: 'delete-message'; key: string; thread: string; author: string; ns: string }

export type Thread = {
  key: string
  title: string
  author: string
  created_ts: number
  updated_ts: number
  deleted?: boolean
}
export type Message = {
  key: string
  thread: string
  author: string
  created_ts: number
  updated_ts: number
  body?: unknown
  deleted?: boolean
}
