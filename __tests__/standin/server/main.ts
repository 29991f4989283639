import { readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { versionOf, type Version } from '../version.ts'
import { abort, log } from './abort.ts'
import { adminRoutes } from './admin.ts'
import { makeFolders, openDatabase, type Database } from './database.ts'
import { changeData, leak, refuseUnknownData, requestFaults, writeLateRecord } from './faults.ts'
import { frontendRoutes } from './frontend.ts'
import { httpServer } from './http.ts'
import { openIntake, readBacklog, type Intake } from './intake.ts'
import { settings, type Settings } from './settings.ts'

type Running = { server: Server; intake: Intake; databases: Database[] }

const USAGE = 'Usage of progressdb:\n  -addr string\n  -config string\n  -db string\n'

/** Start order of the original: flags, file, validation, folders, databases, migrations, replay, listen last. */
async function main(): Promise<void> {
  const release = versionOf('/proc/self/exe')
  const given = await configured()
  try {
    makeFolders(given.dbPath)
    await failAsBuilt(release)
    const running = await start(release, given)
    stopOnSignals(release, running)
  } catch (error) {
    await abort('failed to start', error, given.dbPath)
  }
}

async function configured(): Promise<Settings> {
  const { config, addr, db } = flags()
  const file =
    config ?? process.env['PROGRESSDB_SERVER_CONFIG'] ?? process.env['PROGRESSDB_CONFIG'] ?? './config.yaml'
  const text = await attempt('failed to load config file', () => readFileSync(file, 'utf8'))
  // One source only: with an address or a folder given by flag the file's keys do not count, so there are none.
  const only = config === undefined && (addr !== undefined || db !== undefined) ? '' : text
  const read = await attempt('invalid configuration', () => settings(only))
  log(
    `level=INFO msg=effective_config_loaded source=config addr=${read.address}:${read.port} db_path=${read.dbPath}`,
  )
  return read
}

type Flags = { config?: string | undefined; addr?: string | undefined; db?: string | undefined }

function flags(): Flags {
  const given = parsedFlags()
  if (given && !given.help) return given
  process.stderr.write(USAGE)
  return process.exit(given ? 0 : 2)
}

function parsedFlags(): (Flags & { help?: boolean | undefined }) | undefined {
  const string = { type: 'string' } as const
  const options = { config: string, addr: string, db: string, help: { type: 'boolean', short: 'h' } } as const
  // Go's flag package takes one dash or two.
  const args = process.argv.slice(2).map(arg => arg.replace(/^-(?=[a-z]{2})/, '--'))
  try {
    return parseArgs({ args, options }).values
  } catch {
    return undefined
  }
}

async function attempt<T>(context: string, work: () => T): Promise<T> {
  try {
    return work()
  } catch (error) {
    return abort(context, error, '')
  }
}

async function failAsBuilt({ faults, version }: Version): Promise<void> {
  if (faults.failsToStart === 'exit') throw new Error(`v${version} cannot start`)
  if (faults.failsToStart === 'panic') {
    process.stderr.write('panic: runtime error: invalid memory address or nil pointer dereference\n')
    process.exit(2)
  }
  if (faults.failsToStart === 'hang') await new Promise(() => setInterval(() => {}, 1 << 30))
}

async function start({ version, faults }: Version, given: Settings): Promise<Running> {
  process.stdout.write(`== progressdb stand-in ==\nVersion:  v${version}\nDB Path:  ${given.dbPath}\n`)
  const view = faults.hidesData ? version : ''
  const store = await openDatabase(join(given.dbPath, 'store'), view)
  log(`level=INFO msg=database_opened path=${join(given.dbPath, 'store')}`)
  const index = await openDatabase(join(given.dbPath, 'index'), view)
  log(`level=INFO msg=database_opened path=${join(given.dbPath, 'index')}`)
  const stores = { store, index }
  await refuseUnknownData(store, faults)
  await changeData(stores, version, faults)
  const wal = given.intake.wal ? await openDatabase(join(given.dbPath, 'wal')) : undefined
  const backlog = wal && given.intake.recovery ? await readBacklog(wal) : []
  log(`level=INFO msg=${wal ? 'replay_completed' : 'replay_disabled'} total_replayed=${backlog.length}`)
  const intake = openIntake({
    stores,
    wal,
    backlog,
    capacity: given.intake.capacity,
    batch: given.apply,
    log,
    afterBatch: lateRecord(store, faults),
  })
  const server = httpServer(
    given,
    [...adminRoutes(stores, version), ...frontendRoutes(stores, intake, given.keys.signing)],
    requestFaults(faults, () => performance.now()),
  )
  await listen(server, given)
  leak(faults)
  return { server, intake, databases: [...(wal ? [wal] : []), index, store] }
}

function lateRecord(store: Database, faults: Version['faults']): (applied: number) => Promise<void> {
  let written = faults.lateRecord === undefined
  const write = async (applied: number) => {
    if (!written) written = await writeLateRecord(store, faults, applied)
  }
  const after = faults.lateRecord?.after
  if (after !== undefined) setTimeout(() => void write(Number.POSITIVE_INFINITY), after).unref()
  return faults.lateRecord?.writes === undefined ? async () => {} : write
}

function listen(server: Server, { address, port }: Settings): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, resolve)
  })
}

function stopOnSignals({ faults }: Version, running: Running): void {
  let stopping = false
  const stop = (signal: string) => {
    if (stopping) return
    stopping = true
    log(`level=INFO msg=signal_received signal=${signal}`)
    const answered = new Promise<void>(resolve => running.server.close(() => resolve()))
    running.server.closeIdleConnections()
    if (faults.hangsOnStop) setInterval(() => {}, 1 << 30)
    else void shutDown(running, answered)
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGPIPE'] as const) process.on(signal, stop)
}

async function shutDown({ server, intake, databases }: Running, answered: Promise<void>): Promise<void> {
  log('level=INFO msg="shutdown: requested"')
  // Requests under way are waited for, at most as long as the original's read and write timeouts.
  const late = setTimeout(() => server.closeAllConnections(), 10_000)
  await answered
  clearTimeout(late)
  log('level=INFO msg="shutdown: stopping ingestor"')
  await intake.close()
  for (const database of databases) await database.close()
  log('level=INFO msg="shutdown: complete"')
  process.exit(0)
}

void main()
