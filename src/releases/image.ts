import { type Dispatcher, request } from 'undici'
import { type Problem, UserError } from '../domain/errors.ts'
import { printable, Untrusted } from '../domain/text.ts'

/** `host` with its port, `reference` a tag or `sha256:…`. */
export type Image = { host: string; name: string; reference: string }

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

const ACCEPT = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

/**
 * Asks the registry whether an image exists, anonymously. Answers its digest (`sha256:…`), '' when the registry tells none.
 * Throws `UserError`: no such image, not to be seen without credentials, no answer.
 */
export const requireImage = async (
  text: string,
  version: string,
  dispatcher: Dispatcher,
): Promise<string> => {
  const image = parseImage(text, version)
  if (image === undefined)
    throw refused(
      text,
      'IMAGE_NAME_INVALID',
      'it is not host/name:tag',
      'write it like ghcr.io/owner/name:{version}',
    )
  const shown = `${image.host}/${image.name}${image.reference.startsWith('sha256:') ? '@' : ':'}${image.reference}`
  const response = await manifest(image, dispatcher).catch((error: unknown) => {
    throw error instanceof UserError
      ? error
      : refused(
          shown,
          'IMAGE_REGISTRY_UNREACHABLE',
          `${image.host} did not answer: ${reason(error)}`,
          'run again; if it stays so, check the connection to the registry',
        )
  })
  if (response.status === 200) return digestOf(response.headers['docker-content-digest'])
  throw explained(shown, response.status)
}

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

type Answer = { status: number; headers: Dispatcher.ResponseData['headers']; body: string }

/** A registry says with its first refusal where an anonymous token is to be had. */
const manifest = async (image: Image, dispatcher: Dispatcher): Promise<Answer> => {
  const url = new URL(
    `${isLoopback(image.host) ? 'http' : 'https'}://${image.host}/v2/${image.name}/manifests/${image.reference}`,
  )
  const first = await ask(url, { accept: ACCEPT }, dispatcher)
  const challenge = [first.headers['www-authenticate']].flat()[0] ?? ''
  const realm = first.status === 401 ? tokenAddress(challenge, url) : undefined
  if (realm === undefined) return first
  const token = tokenIn(await ask(realm, { accept: 'application/json' }, dispatcher))
  return token === undefined
    ? first
    : ask(url, { accept: ACCEPT, authorization: `Bearer ${token}` }, dispatcher)
}

const isLoopback = (host: string): boolean => /^(?:localhost|127\.0\.0\.1)(?::\d+)?$/.test(host)

const tokenAddress = (challenge: string, from: URL): URL | undefined => {
  if (!/^bearer /i.test(challenge)) return undefined
  const fields = new Map(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key.toLowerCase(), value]),
  )
  const realm = fields.get('realm') ?? ''
  if (!URL.canParse(realm)) return undefined
  const address = new URL(realm)
  if (address.protocol !== 'https:' && address.protocol !== from.protocol) return undefined
  for (const key of ['service', 'scope'])
    if (fields.has(key)) address.searchParams.set(key, fields.get(key) ?? '')
  return address
}

const tokenIn = (answer: Answer): string | undefined => {
  if (answer.status !== 200) return undefined
  try {
    const parsed: unknown = JSON.parse(answer.body)
    const found =
      parsed !== null && typeof parsed === 'object' ? { token: '', access_token: '', ...parsed } : undefined
    const token = found?.token === '' ? found.access_token : found?.token
    return typeof token === 'string' && /^[\x21-\x7e]+$/.test(token) ? token : undefined
  } catch {
    return undefined
  }
}

const ANSWER_BYTES = 1024 ** 2

const ask = async (url: URL, headers: Record<string, string>, dispatcher: Dispatcher): Promise<Answer> => {
  const signal = AbortSignal.timeout(30_000)
  const response = await request(url, {
    dispatcher,
    headers: { 'user-agent': 'progressdb-rollout', ...headers },
    signal,
  })
  const chunks: Uint8Array[] = []
  let seen = 0
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    seen += chunk.length
    if (seen > ANSWER_BYTES) throw new Error('the answer has no end')
    chunks.push(chunk)
  }
  return {
    status: response.statusCode,
    headers: response.headers,
    body: Buffer.concat(chunks).toString('utf8'),
  }
}
