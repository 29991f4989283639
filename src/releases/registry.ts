import { createHash } from 'node:crypto'
import { type Dispatcher, request } from 'undici'

/** `host` with its port, `reference` a tag or `sha256:…`. */
export type Image = { host: string; name: string; reference: string }

export type Answer = { status: number; headers: Dispatcher.ResponseData['headers']; body: string }

/** One image's registry, asked anonymously. Calls reject where nothing answers, and where a digest has other bytes. */
export type Registry = {
  /** By tag or digest; any status is an answer. */
  manifest(reference: string): Promise<Answer>
  /** A small blob as text. */
  text(digest: string): Promise<string>
  /** A blob as it arrives. */
  stream(digest: string): Promise<AsyncIterable<Uint8Array>>
}

const ACCEPT = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

type Response = Dispatcher.ResponseData
const LIMIT = 30_000
/** A layer may be big. */
const LAYER_LIMIT = 20 * 60_000

export function registryOf(image: Image, dispatcher: Dispatcher): Registry {
  const base = `${isLoopback(image.host) ? 'http' : 'https'}://${image.host}/v2/${image.name}`
  let token: string | undefined
  const get = async (path: string, limit = LIMIT): Promise<Response> => {
    const url = new URL(`${base}/${path}`)
    const first = await ask(url, { token, limit, dispatcher })
    const challenge = [first.headers['www-authenticate']].flat()[0] ?? ''
    // it says with its first refusal where an anonymous token is to be had
    const realm = first.statusCode === 401 && token === undefined ? tokenAddress(challenge, url) : undefined
    if (realm === undefined) return first
    token = tokenIn(await whole(await ask(realm, { limit: LIMIT, dispatcher })))
    if (token === undefined) return first
    await first.body.dump()
    return ask(url, { token, limit, dispatcher })
  }
  const blob = async (digest: string, limit: number): Promise<Response> => {
    const found = await followed(await get(`blobs/${digest}`, limit), { base, limit, dispatcher })
    if (found.statusCode !== 200) throw new Error(`the answer for ${digest} was status ${found.statusCode}`)
    return found
  }
  return {
    manifest: async reference => {
      const answer = await whole(await get(`manifests/${reference}`))
      if (answer.status === 200 && reference.startsWith('sha256:')) mustBe(reference, sha256(answer.body))
      return answer
    },
    text: async digest => {
      const { body } = await whole(await blob(digest, LIMIT))
      mustBe(digest, sha256(body))
      return body
    },
    stream: async digest => checked((await blob(digest, LAYER_LIMIT)).body, digest),
  }
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

const mustBe = (digest: string, found: string): void => {
  if (digest !== `sha256:${found}`) throw new Error(`what it gave as ${digest} has the sha256 ${found}`)
}

async function* checked(source: AsyncIterable<Uint8Array>, digest: string): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  for await (const chunk of source) {
    hash.update(chunk)
    yield chunk
  }
  mustBe(digest, hash.digest('hex'))
}

type Asking = { token?: string | undefined; limit: number; dispatcher: Dispatcher }

const ask = (url: URL, { token, limit, dispatcher }: Asking): Promise<Response> =>
  request(url, {
    dispatcher,
    headers: {
      'user-agent': 'progressdb-rollout',
      accept: ACCEPT,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    signal: AbortSignal.timeout(limit),
  })

/** Blobs mostly lie elsewhere; where they do, nobody gets our token. */
async function followed(
  first: Response,
  at: { base: string; limit: number; dispatcher: Dispatcher },
): Promise<Response> {
  let [response, from] = [first, at.base]
  for (let hops = 0; hops < 3 && response.statusCode >= 300 && response.statusCode < 400; hops++) {
    const location = [response.headers['location']].flat()[0] ?? ''
    if (!URL.canParse(location, from)) break
    const to = new URL(location, from)
    if (to.protocol !== 'https:' && to.protocol !== new URL(at.base).protocol) break
    await response.body.dump()
    response = await ask(to, { limit: at.limit, dispatcher: at.dispatcher })
    from = to.href
  }
  return response
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

const whole = async (response: Response): Promise<Answer> => {
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
