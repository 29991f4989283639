import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
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
const PROGRAM = 'the bytes of the program'
const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex')
const RELEASE = { version: 'v0.2.2', binary: 'progressdb', programs: { 'linux/amd64': sha256(PROGRAM) } }

/** Layers as a build makes them: with links and folders, the program in the one before the last; and all that describes them. */
function image(
  program: string,
  options: { index?: boolean; architecture?: string } = {},
): Map<string, Buffer> {
  const dir = mkdtempSync(join(tmpdir(), 'layer-'))
  const blobs = new Map<string, Buffer>()
  const keep = (bytes: Buffer): string => {
    blobs.set(`sha256:${sha256(bytes)}`, bytes)
    return `sha256:${sha256(bytes)}`
  }
  const layer = (files: Record<string, string>): { digest: string; mediaType: string } => {
    const root = mkdtempSync(join(dir, 'root-'))
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), text)
    }
    symlinkSync('/very/far/away'.repeat(20), join(root, 'a-link'))
    const bytes = execFileSync('tar', ['--create', '--gzip', '--directory', root, '.'])
    return { digest: keep(bytes), mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip' }
  }
  const layers = [
    layer({ 'usr/local/bin/progressdb': 'an older one', 'etc/x': 'x' }),
    layer({ 'usr/local/bin/progressdb': program, 'usr/share/progressdb.txt': 'no' }),
    layer({ 'etc/motd': 'hello' }),
  ]
  const { architecture = 'amd64', index = false } = options
  const config = keep(Buffer.from(JSON.stringify({ os: 'linux', architecture })))
  let top = Buffer.from(JSON.stringify({ config: { digest: config }, layers }))
  if (index) {
    const digest = keep(top)
    const arm = { digest: DIGEST, platform: { os: 'linux', architecture: 'arm64' } }
    top = Buffer.from(
      JSON.stringify({ manifests: [arm, { digest, platform: { os: 'linux', architecture } }] }),
    )
  }
  blobs.set('v0.2.2', top)
  rmSync(dir, { recursive: true })
  return blobs
}

/** Serves an image; blobs lie on another host, as they mostly do. */
async function serving(blobs: Map<string, Buffer>): Promise<string> {
  const elsewhere = createServer((request, response) => {
    if (request.headers.authorization !== undefined) response.writeHead(400).end()
    else response.end(blobs.get(request.url?.slice(1) ?? ''))
  })
  elsewhere.listen(0, '127.0.0.1')
  await once(elsewhere, 'listening')
  elsewhere.unref()
  const address = elsewhere.address()
  const port = address === null || typeof address === 'string' ? 0 : address.port
  return registry((request, response) => {
    if (request.headers.authorization === undefined) return false
    const [, kind, reference = ''] = /\/(manifests|blobs)\/(.+)$/.exec(request.url ?? '') ?? []
    if (kind === 'blobs') response.writeHead(307, { location: `http://127.0.0.1:${port}/${reference}` }).end()
    else response.writeHead(200, { 'docker-content-digest': DIGEST }).end(blobs.get(reference))
    return true
  })
}

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
  test('an image that is there, with an anonymous token, and holds the program of the release', async () => {
    const host = await serving(image(PROGRAM))
    expect(await requireImage(`${host}/acme/progressdb:{version}`, RELEASE, agent)).toBe(DIGEST)
  })

  test('one that is not, one that is hidden, one whose registry is ill or gone', async () => {
    const host = await registry(() => false)
    expect(await codeOf(requireImage(`${host}/acme/progressdb:v9`, RELEASE, agent))).toBe('IMAGE_NOT_FOUND')
    server?.close()
    const closed = await registry(
      (request, response) =>
        request.url?.startsWith('/token') === true && response.writeHead(403).end() !== undefined,
    )
    expect(await codeOf(requireImage(`${closed}/acme/progressdb:v9`, RELEASE, agent))).toBe('IMAGE_HIDDEN')
    server?.close()
    const ill = await registry((_, response) => response.writeHead(500).end() !== undefined)
    expect(await codeOf(requireImage(`${ill}/acme/progressdb:v9`, RELEASE, agent))).toBe(
      'IMAGE_REGISTRY_UNREACHABLE',
    )
    expect(await codeOf(requireImage('127.0.0.1:9/a/b:1', RELEASE, agent))).toBe('IMAGE_REGISTRY_UNREACHABLE')
    expect(await codeOf(requireImage('::error::x', RELEASE, agent))).toBe('IMAGE_NAME_INVALID')
  })

  test('a registry that sends for tokens over another scheme, or gives strange ones, gets no second request', async () => {
    const host = await registry(
      (_, response) =>
        response.writeHead(401, { 'www-authenticate': 'Bearer realm="file:///etc/passwd"' }).end() !==
        undefined,
    )
    expect(await codeOf(requireImage(`${host}/acme/progressdb:v0.2.2`, RELEASE, agent))).toBe('IMAGE_HIDDEN')
    server?.close()
    const strange = await registry(
      (request, response) =>
        request.url?.startsWith('/token') === true && response.end('{"token":"a\\r\\nx: y"}') !== undefined,
    )
    expect(await codeOf(requireImage(`${strange}/acme/progressdb:v0.2.2`, RELEASE, agent))).toBe(
      'IMAGE_HIDDEN',
    )
  })
})

describe('the program in an image', () => {
  const required = async (blobs: Map<string, Buffer>, programs: Record<string, string> = RELEASE.programs) =>
    requireImage(`${await serving(blobs)}/acme/progressdb:{version}`, { ...RELEASE, programs }, agent)

  test('of several platforms is that of the one that the fleet has', async () => {
    expect(await required(image(PROGRAM, { index: true }))).toBe(DIGEST)
  })

  test('that is another one, or none, or of another platform', async () => {
    const other = required(image('other bytes'))
    expect(await codeOf(other)).toBe('IMAGE_NOT_THE_RELEASE')
    await expect(other).rejects.toMatchObject({
      problems: [
        {
          because: expect.stringContaining(
            `/usr/local/bin/progressdb in it has the sha256 ${sha256('other bytes')}`,
          ),
        },
      ],
    })
    expect(await codeOf(required(image(PROGRAM, { architecture: 'arm64' })))).toBe('IMAGE_NOT_THE_RELEASE')
    const arm = { 'linux/arm64': sha256(PROGRAM) }
    expect(await codeOf(required(image(PROGRAM), arm))).toBe('IMAGE_NOT_THE_RELEASE')
  })

  test('is not believed where a layer is not what its digest says', async () => {
    const blobs = image(PROGRAM)
    const forged = image('forged')
    const [real, fake] = [blobs, forged].map(of => [...of.keys()].filter(key => key.startsWith('sha256:')))
    blobs.set(real?.[1] ?? '', forged.get(fake?.[1] ?? '') ?? Buffer.alloc(0))
    expect(await codeOf(required(blobs, { 'linux/amd64': sha256('forged') }))).toBe(
      'IMAGE_REGISTRY_UNREACHABLE',
    )
  })
})
