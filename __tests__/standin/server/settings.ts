import { parse } from 'yaml'

/** What the stand-in takes from the server's YAML. Durations in ms. Omitted values are zero, as in the original. */
export type Settings = {
  address: string
  port: number
  dbPath: string
  maxPayload: number
  rate: { rps: number; burst: number }
  keys: { backend: Set<string>; frontend: Set<string>; admin: Set<string>; signing: string[] }
  ipWhitelist: Set<string>
  intake: { capacity: number; wal: boolean; recovery: boolean }
  apply: { count: number; timeout: number }
}

type Tree = { [key: string]: unknown }

/** Reads the configuration as text. Throws an Error with the reason the original would abort with. */
export function settings(text: string): Settings {
  const root = tree(parse(text))
  const server = tree(root['server'])
  const keys = tree(server['api_keys'])
  const intake = tree(tree(root['ingest'])['intake'])
  const apply = tree(tree(root['ingest'])['apply'])
  const read: Settings = {
    address: string(server['address']) || '0.0.0.0',
    port: number(server['port']) || 8080,
    dbPath: string(server['db_path']),
    maxPayload: bytes(server['max_payload_size']) || 100 * 1024,
    rate: {
      rps: number(tree(server['rate_limit'])['rps']),
      burst: number(tree(server['rate_limit'])['burst']),
    },
    keys: {
      backend: new Set(list(keys['backend'])),
      frontend: new Set(list(keys['frontend'])),
      admin: new Set(list(keys['admin'])),
      signing: list(keys['signing']),
    },
    ipWhitelist: new Set(list(server['ip_whitelist'])),
    intake: {
      capacity: number(intake['queue_capacity']),
      wal: tree(intake['wal'])['enabled'] === true,
      recovery: tree(intake['recovery'])['enabled'] === true,
    },
    apply: { count: number(apply['batch_count']) || 10, timeout: duration(apply['batch_timeout']) },
  }
  if (read.keys.signing.length === 0) throw new Error('signing keys are required')
  if (read.dbPath === '') throw new Error('database path is required')
  if (tree(root['encryption'])['enabled'] === true) throw new Error('encryption is not part of this server')
  return read
}

const tree = (value: unknown): Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}

const list = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : [])

const string = (value: unknown): string => (typeof value === 'string' ? value : '')

const number = (value: unknown): number => (typeof value === 'number' ? value : 0)

const UNITS: Record<string, number> = { ns: 1e-6, us: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** A Go duration such as `100ms` or `1m30s`, in ms. */
export function duration(value: unknown): number {
  if (value === undefined || value === null) return 0
  const parts = [...string(value).matchAll(/(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)/g)]
  if (parts.map(part => part[0]).join('') !== value)
    throw new Error(`invalid duration ${JSON.stringify(value)}`)
  return parts.reduce((sum, part) => sum + Number(part[1]) * (UNITS[part[2] ?? ''] ?? 0), 0)
}

/** A size such as `64KB`; a bare number stops the load, as in the original. */
function bytes(value: unknown): number {
  if (value === undefined || value === null) return 0
  const match = /^(\d+(?:\.\d+)?)\s*([KMG]?)i?B$/i.exec(string(value))
  if (!match) throw new Error(`invalid size ${JSON.stringify(value)}`)
  const power = ['', 'K', 'M', 'G'].indexOf((match[2] ?? '').toUpperCase())
  return Number(match[1]) * 1024 ** power
}
