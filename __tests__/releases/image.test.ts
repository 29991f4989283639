import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Agent } from 'undici'
import { afterEach, describe, expect, test } from 'vitest'
import { UserError } from '../../src/domain/errors.ts'
import { parseImage, requireImage } from '../../src/releases/image.ts'

let server: Server | undefined
const agent = new Agent()
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

const DIGEST = `sha256:${'d'.repeat(64)}`

/** A registry that asks for an anonymous token first, as Docker Hub and GitHub's do. */
const registry = async (
  answer: (request: IncomingMessage, response: ServerResponse, base: string) => boolean,
): Promise<string> => {
  server = createServer((request, response) => {
    const base = `http://${request.headers.host}`
    if (answer(request, response, base)) return
    if (request.url?.startsWith('/token') === true) response.end('{"token":"anonymous"}')
    else if (request.headers.authorization !== 'Bearer anonymous') {
      response
        .writeHead(401, {
          'www-authenticate': `Bearer realm="${base}/token",service="registry",scope="repository:acme/progressdb:pull"`,
        })
        .end('{}')
    } else if (request.url === '/v2/acme/progressdb/manifests/v0.2.2')
      response.writeHead(200, { 'docker-content-digest': DIGEST }).end('{}')
    else response.writeHead(404).end('{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return `127.0.0.1:${address === null || typeof address === 'string' ? 'none' : address.port}`
}

const codeOf = async (promise: Promise<unknown>): Promise<string | undefined> => {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof UserError)) throw new Error(`no UserError: ${String(error)}`)
  return error.problems[0]?.code
}

describe('image names', () => {
  test.each([
    ['progressdb', { host: 'registry-1.docker.io', name: 'library/progressdb', reference: 'latest' }],
    [
      'docker.io/progressdb/progressdb:{version}',
      { host: 'registry-1.docker.io', name: 'progressdb/progressdb', reference: 'v0.2.2' },
    ],
    ['ghcr.io/acme/progressdb:{version}', { host: 'ghcr.io', name: 'acme/progressdb', reference: 'v0.2.2' }],
    [`localhost:5000/p@${DIGEST}`, { host: 'localhost:5000', name: 'p', reference: DIGEST }],
  ])('%s', (text, image) => expect(parseImage(text, 'v0.2.2')).toEqual(image))

  test.each([
    '',
    'ghcr.io/',
    'ghcr.io/../x:1',
    'ghcr.io/A/b:1',
    'ghcr.io/a/b:1 2',
    'ghcr.io/a/b@md5:1',
    'https://ghcr.io/a/b',
    'user@evil/a:b',
  ])('%j is none', text => {
    expect(parseImage(text, 'v0.2.2')).toBeUndefined()
  })
})

describe('asking the registry', () => {
  test('an image that is there, with an anonymous token', async () => {
    const host = await registry(() => false)
    expect(await requireImage(`${host}/acme/progressdb:{version}`, 'v0.2.2', agent)).toBe(DIGEST)
  })

  test('one that is not, one that is hidden, one whose registry is ill or gone', async () => {
    const host = await registry(() => false)
    expect(await codeOf(requireImage(`${host}/acme/progressdb:v9`, 'v0.2.2', agent))).toBe('IMAGE_NOT_FOUND')
    server?.close()
    const closed = await registry(
      (request, response) =>
        request.url?.startsWith('/token') === true && response.writeHead(403).end() !== undefined,
    )
    expect(await codeOf(requireImage(`${closed}/acme/progressdb:v9`, 'v0.2.2', agent))).toBe('IMAGE_HIDDEN')
    server?.close()
    const ill = await registry((_, response) => response.writeHead(500).end() !== undefined)
    expect(await codeOf(requireImage(`${ill}/acme/progressdb:v9`, 'v0.2.2', agent))).toBe(
      'IMAGE_REGISTRY_UNREACHABLE',
    )
    expect(await codeOf(requireImage('127.0.0.1:9/a/b:1', 'v0.2.2', agent))).toBe(
      'IMAGE_REGISTRY_UNREACHABLE',
    )
    expect(await codeOf(requireImage('::error::x', 'v0.2.2', agent))).toBe('IMAGE_NAME_INVALID')
  })

  test('a registry that sends for tokens over another scheme, or gives strange ones, gets no second request', async () => {
    const host = await registry(
      (_, response) =>
        response.writeHead(401, { 'www-authenticate': 'Bearer realm="file:///etc/passwd"' }).end() !==
        undefined,
    )
    expect(await codeOf(requireImage(`${host}/acme/progressdb:v0.2.2`, 'v0.2.2', agent))).toBe('IMAGE_HIDDEN')
    server?.close()
    const strange = await registry(
      (request, response) =>
        request.url?.startsWith('/token') === true && response.end('{"token":"a\\r\\nx: y"}') !== undefined,
    )
    expect(await codeOf(requireImage(`${strange}/acme/progressdb:v0.2.2`, 'v0.2.2', agent))).toBe(
      'IMAGE_HIDDEN',
    )
  })
})
