import { releaseId } from '../domain/release.ts'
import { guestContainer, nextContainer } from '../service/container.ts'
import type { ContainerServer } from '../service/port.ts'
import { containerOf, LONG, type Node, type Said, seconds, SHORT, type Task, WAIT } from './places.ts'
import type { Action } from './port.ts'

type Of<Do extends Action['do']> = Extract<Action, { do: Do }>

/** A release's container is made while the server still runs: nothing is left to be made when it is down. */
export function containerInstalled(
  { image, program }: ContainerServer,
  { release, file }: Of<'install'>,
): Task[] {
  const { version, sha256 } = release
  const words = [`release=${releaseId(release)}`, `version=${version}`, `sha256=${sha256}`]
  const next = (said: Said): string =>
    nextContainer(
      { container: one(said, 'container_json'), oldImage: one(said, 'image_old') },
      { image: `${image}@sha256:${sha256}`, release: releaseId(release) },
    )
  return [
    {
      program: 'pull',
      words: [...words, `command=${program}`],
      limit: LONG,
      ...(program === '' ? {} : { bring: { file } }),
    },
    {
      program: 'create',
      words,
      limit: WAIT + SHORT,
      secret: true,
      bring: said => ({ bytes: Buffer.from(next(said)) }),
    },
  ]
}

/** The configuration first, which may hold secrets too; then a container that sees nothing but the copy. */
export function guestStarted(node: Node, { release, config }: Of<'stage-start'>): Task[] {
  const words = [`release=${releaseId(release)}`]
  const guest = (said: Said): string =>
    guestContainer(one(said, 'container_json'), {
      folder: one(said, 'staging_folder'),
      data: one(said, 'served_as'),
      config: one(said, 'config_as'),
      network: `${containerOf(node)}.rehearsal`,
    })
  return [
    { program: 'stage-config', words: [`text=${config}`], limit: WAIT + SHORT },
    { program: 'describe', words, limit: SHORT },
    {
      program: 'stage-start',
      words: [...words, `limit=${seconds(node.options.stageLimit)}`],
      limit: WAIT + SHORT,
      secret: true,
      bring: said => ({ bytes: Buffer.from(guest(said)) }),
    },
  ]
}

const one = (said: Said, key: string): string => said[key]?.at(-1) ?? ''
