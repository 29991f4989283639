import type { Dispatcher } from 'undici'
import { type Problem, UserError } from '../domain/errors.ts'
import { printable, Untrusted } from '../domain/text.ts'
import { programIn } from './image-program.ts'
import { type Answer, type Image, type Registry, registryOf } from './registry.ts'

const DOCKER_HUB = 'registry-1.docker.io'
const NAME = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/
const REFERENCE = /^(?:[A-Za-z0-9_][\w.-]{0,127}|sha256:[0-9a-f]{64})$/
const HOST = /^[A-Za-z0-9.-]+(?::\d{1,5})?$/

/** `ghcr.io/owner/name:{version}`, as in a Dockerfile; `{version}` becomes the version with its v. `undefined` when it is no image name. */
export const parseImage = (text: string, version: string): Image | undefined => {
  const filled = text.replaceAll('{version}', version.replaceAll('+', '_'))
  const [front = '', digest] = filled.split('@')
  const first = front.split('/')[0] ?? ''
  const isHost = front.includes('/') && (/[.:]/.test(first) || first === 'localhost')
  const host = !isHost || first === 'docker.io' ? DOCKER_HUB : first
  const rest = isHost ? front.slice(first.length + 1) : front
  const [path = '', tag = 'latest'] = rest.split(':')
  const name = host === DOCKER_HUB && !path.includes('/') ? `library/${path}` : path
  const reference = digest ?? tag
  return HOST.test(host) && NAME.test(name) && REFERENCE.test(reference)
    ? { host, name, reference }
    : undefined
}

/** What the image must hold: by `os/arch` the sha256 of the release's program, which is called `binary`. */
export type Proof = { binary: string; programs: Record<string, string> }

/**
 * Asks the registry for an image, anonymously, and compares the program in it with that of the release's archive: both are of one
 * version where their bytes are the same. Answers its digest (`sha256:…`), '' when the registry tells none.
 * Throws `UserError`: no such image, not to be seen without credentials, no answer, another program.
 */
export const requireImage = async (
  text: string,
  release: { version: string } & Proof,
  dispatcher: Dispatcher,
): Promise<string> => {
  const image = parseImage(text, release.version)
  if (image === undefined)
    throw refused(
      text,
      'IMAGE_NAME_INVALID',
      'it is not host/name:tag',
      'write it like ghcr.io/owner/name:{version}',
    )
  const shown = `${image.host}/${image.name}${image.reference.startsWith('sha256:') ? '@' : ':'}${image.reference}`
  const asked = async <T>(question: Promise<T>): Promise<T> =>
    question.catch((error: unknown) => {
      throw error instanceof UserError ? error : silent(shown, image, error)
    })
  const registry = registryOf(image, dispatcher)
  const response = await asked(registry.manifest(image.reference))
  if (response.status !== 200) throw explained(shown, response.status)
  await asked(compared({ shown, ...release }, response, registry))
  return digestOf(response.headers['docker-content-digest'])
}

async function compared(
  { shown, binary, programs }: { shown: string } & Proof,
  manifest: Answer,
  registry: Registry,
): Promise<void> {
  const found = await programIn(manifest.body, { binary, platforms: Object.keys(programs) }, registry)
  const next =
    'build image and archives in one run of goreleaser; where they are built apart on purpose, leave `require-image` out'
  if (found === undefined)
    throw refused(
      shown,
      'IMAGE_NOT_THE_RELEASE',
      `it holds no program ${binary} for the machines of this fleet`,
      next,
    )
  if (found.sha256 === programs[found.platform]) return
  throw refused(
    shown,
    'IMAGE_NOT_THE_RELEASE',
    `${printable(new Untrusted(found.path), 100)} in it has the sha256 ${found.sha256}, the program in the release's archive ${programs[found.platform] ?? ''}`,
    next,
  )
}

const silent = (shown: string, { host }: Image, error: unknown): UserError =>
  refused(
    shown,
    'IMAGE_REGISTRY_UNREACHABLE',
    `${host} did not answer: ${reason(error)}`,
    'run again; if it stays so, check the connection to the registry',
  )

const reason = (error: unknown): string =>
  printable(new Untrusted(error instanceof Error ? error.message : String(error)), 120)

const digestOf = (header: string | string[] | undefined): string =>
  /^sha256:[0-9a-f]{64}$/.exec([header].flat()[0] ?? '')?.[0] ?? ''

const explained = (shown: string, status: number): UserError => {
  if (status === 404)
    return refused(
      shown,
      'IMAGE_NOT_FOUND',
      'the registry has no such image',
      'push it in the release job before this one, or correct `require-image`',
    )
  if (status === 401 || status === 403)
    return refused(
      shown,
      'IMAGE_HIDDEN',
      'the registry shows it to nobody without credentials, or it does not exist',
      'make the package public, or leave `require-image` out',
    )
  return refused(
    shown,
    'IMAGE_REGISTRY_UNREACHABLE',
    `the answer was status ${status}`,
    'run again; if it stays so, check the status of the registry',
  )
}

const refused = (shown: string, code: string, because: string, next: string): UserError => {
  const problem: Problem = {
    code,
    what: `the image ${printable(new Untrusted(shown), 160)} could not be confirmed`,
    because,
    next,
    where: 'require-image',
  }
  return new UserError(problem)
}
