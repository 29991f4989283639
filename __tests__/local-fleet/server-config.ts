import { stringify } from 'yaml'

/** Every kind of user of a node has its own API key, so that their rate limits never meet. Secrets. */
export type Keys = {
  probe: string
  writer: string
  checker: string
  frontend: string
  admin: string
  signing: string
}

export type ServerConfig = {
  port: number
  data: string
  keys: Keys
  /** Intake WAL and recovery. */
  walOn: boolean
  /** How long acknowledged writes wait for their batch, in ms. */
  batchTimeout?: number
  batchCount?: number
  rate?: { rps: number; burst: number }
}

/** The server's own configuration file. The stand-in and the original read the same one. */
export function serverYaml(config: ServerConfig): string {
  const {
    port,
    data,
    keys,
    walOn,
    batchTimeout = 100,
    batchCount = 1000,
    rate = { rps: 5000, burst: 5000 },
  } = config
  return stringify({
    server: {
      address: '127.0.0.1',
      port,
      db_path: data,
      rate_limit: rate,
      api_keys: {
        backend: [keys.probe, keys.writer, keys.checker],
        frontend: [keys.frontend],
        admin: [keys.admin],
        signing: [keys.signing],
      },
    },
    logging: { level: 'info' },
    ingest: {
      intake: {
        queue_capacity: 10_000,
        wal: { enabled: walOn },
        recovery: { enabled: walOn, temp_index_enabled: walOn },
      },
      apply: { batch_count: batchCount, batch_timeout: `${batchTimeout}ms` },
    },
    telemetry: { flush_interval: '2s', queue_capacity: 2048, file_max_size: '40MB', buffer_size: '64KB' },
    sensor: {
      poll_interval: '60s',
      disk_high_pct: 99,
      mem_high_pct: 99,
      cpu_high_pct: 99,
      recovery_window: '5s',
    },
  })
}
