import { type Document, parseDocument } from 'yaml'
import { Bug } from '../domain/errors.ts'
import type { Millis } from '../domain/node.ts'

/**
 * What the engine needs of a ProgressDB configuration file (0.2.x). Omitted values are zero there, never the documented default.
 * `applyBatch`  how long an accepted write may wait before it is applied, ms. `dataPath`  its `db_path`, where it is absolute.
 */
export type ServerConfig = {
  intakeWal: boolean
  applyBatch: Millis
  dataPath: string | undefined
  /** As it is written; `port` undefined where it is not. */
  written: { dataPath: string; port: number | undefined }
}

/** Reads the server's own configuration. An unreadable file answers the cautious value of everything. */
export function readServerConfig(text: string): ServerConfig {
  const doc = parseDocument(text)
  const on = (...path: string[]): boolean => doc.getIn(path) === true
  const path: unknown = doc.getIn(['server', 'db_path'])
  const port: unknown = doc.getIn(['server', 'port'])
  return {
    intakeWal:
      doc.errors.length === 0 &&
      on('ingest', 'intake', 'wal', 'enabled') &&
      on('ingest', 'intake', 'recovery', 'enabled'),
    applyBatch: duration(doc.getIn(['ingest', 'apply', 'batch_timeout'])),
    dataPath: typeof path === 'string' && path.startsWith('/') ? path.replace(/\/+$/, '') : undefined,
    written: {
      dataPath: typeof path === 'string' ? path : '',
      port: typeof port === 'number' && Number.isInteger(port) ? port : undefined,
    },
  }
}

const UNITS: Record<string, number> = { ns: 1e-6, us: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Go's duration, e.g. `100ms`, `1.5s`, `1m30s`; 100 ms where it is missing. */
function duration(value: unknown): Millis {
  if (typeof value !== 'string') return 100
  const parts = [...value.matchAll(/(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)/g)]
  return parts.length === 0
    ? 100
    : parts.reduce((sum, [, n, unit]) => sum + Number(n) * (UNITS[unit ?? ''] ?? 0), 0)
}

/**
 * The node's own configuration for a server on a copy of its data: an address of its own, another port, the copy's path, nothing purged and
 * nobody else let in by address lists. Keys stay, so that the probe can ask. Never written off the node.
 */
export function stagingConfig(text: string, at: { address: string; port: number; dataPath: string }): string {
  const doc: Document = parseDocument(text)
  if (doc.errors.length > 0) throw new Bug('a configuration that cannot be read was to be staged')
  doc.setIn(['server', 'address'], at.address)
  doc.setIn(['server', 'port'], at.port)
  doc.setIn(['server', 'db_path'], at.dataPath)
  doc.setIn(['retention', 'enabled'], false)
  if (doc.hasIn(['server', 'ip_whitelist'])) doc.deleteIn(['server', 'ip_whitelist'])
  return doc.toString()
}
