import { createHash } from 'node:crypto'
import type { Event } from '../domain/event.ts'
import { releaseId } from '../domain/release.ts'
import {
  beside,
  placesOf,
  switchUnit,
  type UnitFile,
  unitFiles,
  type UnitPlaces,
  type UnitPlan,
} from '../service/unit-files.ts'
import type { UnitServer } from '../service/port.ts'
import { callable, script } from '../shell/script.ts'
import type { Answer } from './answer.ts'
import { ask, type Reached } from './ask.ts'
import { ownerOf } from './owner.ts'
import { program, switchProgram } from './programs.ts'
import { placeWords, seconds, SHORT, WAIT } from './places.ts'

/** A node whose server is a unit of systemd. `deploy` drives it; `login` is who is logged in, where that is somebody else. */
export type UnitNode = Reached & { service: UnitServer; deploy: string; login: string }

/** What was found on it. Texts are the node's own. */
export type UnitFound = { one: (key: string) => string; all: (key: string) => string[] }

/** Everything that an adoption will do as root; each with the words for whoever has to agree. */
export type Deeds = {
  /** Given to the user that drives the node, who makes all below it. */
  folder: string
  move?: string
  link?: { path: string; target: string }
  files: UnitFile[]
}

/** Read-only. Throws `StepFailed`, also where the unit could not be driven at all. */
export async function lookAt(on: UnitNode): Promise<UnitFound> {
  await ownerOf(on.config, on.service, () => ask(on, { name: 'who', words: [] }, { limit: SHORT }))
  const found = await ask(on, { name: 'unit-facts', words: [] }, { limit: SHORT })
  return reader(found)
}

/** The data as its own user sees it: needs the rights of that user. */
export async function lookAs(on: UnitNode, service: string): Promise<UnitFound> {
  return reader(await ask(on, { name: 'inspect', words: [] }, { limit: SHORT, ...other(on, service) }))
}

const reader = ({ values }: Answer): UnitFound => ({
  one: key => values[key]?.at(-1) ?? '',
  all: key => values[key] ?? [],
})

const other = (on: UnitNode, user: string): { as?: string } => (on.login === user ? {} : { as: user })

/** Where the data will lie: its user must be able to keep things beside it. */
export const homeOf = (found: UnitFound, moves: boolean): string =>
  moves ? `${found.one('data_folder')}.node/data` : found.one('data_folder')

/** What root will do there. */
export function deedsOf(on: UnitNode, found: UnitFound, moves: boolean): Deeds {
  const { config, options, service } = on
  const data = homeOf(found, moves)
  const target = `${config.install}/current/${options.binary}`
  const path = found.one('binary_path')
  return {
    folder: config.install,
    ...(moves ? { move: found.one('data_folder') } : {}),
    ...(found.one('binary_is') === '' || path === target ? {} : { link: { path, target } }),
    files: unitFiles({
      ...fixed(on),
      places: placesFound(on, found),
      service: found.one('unit_user'),
      data,
      staging: beside(data, 'staging'),
      execStart: found.one('exec_start'),
      carried: found.all('carried'),
      unit: service.unit,
    }),
  }
}

/** Where the files of an adoption go. */
const placesFound = (on: UnitNode, found: UnitFound): UnitPlaces =>
  placesOf(on.service.unit, {
    scope: on.service.scope,
    home: found.one('home'),
    runtime: found.one('runtime'),
  })

type Found = 'service' | 'data' | 'staging' | 'execStart' | 'carried' | 'places'
const fixed = (on: UnitNode): Omit<UnitPlan, Found> => ({
  unit: on.service.unit,
  scope: on.service.scope,
  deploy: on.deploy,
  install: on.config.install,
  dataPath: on.config.data,
  config: on.config.config,
  binary: on.options.binary,
  guard: script(program('guard', 'systemd'), placeWords(on)),
  switch: callable(switchProgram('systemd'), placeWords(on)),
  stageSeconds: seconds(on.options.stageLimit),
})

/** Of this engine and this fleet file: an adoption by another one has another. */
export const madeBy = (on: UnitNode): string => {
  const places = placesOf(on.service.unit, { scope: on.service.scope, home: '', runtime: '' })
  const files = unitFiles({
    ...fixed(on),
    places,
    service: '',
    data: '/',
    staging: '/',
    execStart: '',
    carried: [],
  })
  return createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 16)
}

/** Folders and data first: what comes next is done by the users that own them. */
export async function makePlaces(on: UnitNode, found: UnitFound, deeds: Deeds): Promise<void> {
  const group = found.one('unit_group') || found.one('unit_user')
  const words = [
    ...(deeds.move === undefined ? [] : [`move=${deeds.move} ${found.one('unit_user')}:${group}`]),
    `own=${on.deploy} 755 ${deeds.folder}`,
  ]
  await asRoot(on, words)
}

export type Running = { version: string; sha256: string; file: string; line: Event }

/** The release that runs is kept, and the data is marked as opened by it. */
export async function keepRunning(on: UnitNode, found: UnitFound, runs: Running): Promise<void> {
  const { version, sha256, file, line } = runs
  const words = [
    `release=${releaseId({ version, sha256 })}`,
    `version=${version}`,
    `sha256=${sha256}`,
    `file=${file}`,
    `text=${JSON.stringify(line)}`,
    'look=0',
  ]
  const limit = WAIT + SHORT
  await ask(on, { name: 'keep', words }, { limit, ...other(on, on.deploy) })
  await ask(
    on,
    { name: 'adopt', words: [`version=${version}`] },
    { limit, ...other(on, found.one('unit_user')) },
  )
}

/** Root's own files, the link, and the list of all that, by which it can be undone. */
export async function install(on: UnitNode, found: UnitFound, deeds: Deeds): Promise<void> {
  const fragments = found.one('unit_fragmentpath')
  await asRoot(on, [
    `lib=${placesFound(on, found).library}`,
    `scope=${on.service.scope}`,
    `made_by=${madeBy(on)}`,
    ...(fragments === '' ? [] : [`fragment=${fragments}`]),
    ...deeds.files.map(
      ({ path, mode, text }) => `put=${mode} ${path} ${Buffer.from(text).toString('base64')}`,
    ),
    ...(deeds.link ? [`link=${deeds.link.path} ${deeds.link.target}`] : []),
    ...(deeds.move === undefined ? [] : [`move=${deeds.move} ${found.one('unit_user')}`]),
  ])
}

/** A unit of a user's own needs nobody else. */
const root = (on: UnitNode): { as?: string } => (on.service.scope === 'user' ? {} : other(on, 'root'))

const asRoot = (on: UnitNode, words: string[]): Promise<Answer> =>
  ask(on, { name: 'setup', words }, { limit: SHORT, ...root(on) })

/** Throws `StepFailed` where root cannot be asked for anything. */
export const rootIsThere = async (on: UnitNode): Promise<void> => void (await asRoot(on, []))

/** What root did is taken back. `left`: folders that were not empty. */
export async function undo(
  on: UnitNode,
  found: UnitFound,
): Promise<{ was: 'adopted' | 'not-adopted'; left: string[] }> {
  const { unit, scope } = on.service
  const words = [
    `lib=${placesFound(on, found).library}`,
    `unit=${unit}`,
    `timer=${switchUnit(unit, 'timer')}`,
    `scope=${scope}`,
  ]
  const { values } = await ask(on, { name: 'undo', words }, { limit: SHORT, ...root(on) })
  return { was: values['was'] ? 'not-adopted' : 'adopted', left: values['left'] ?? [] }
}
