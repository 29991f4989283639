import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createPlain } from 'node:http'
import { createServer, type Server } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type HttpOptions, httpClient } from '../../src/probe/http.ts'

/** A node that is reached straight, by https with an authority of the fleet's own. */
const dir = mkdtempSync(join(tmpdir(), 'https-'))
let server: Server
let port = 0
const seen: { path: string; key: string }[] = []

const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' })
const authority = (name: string): string => {
  openssl(
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.pem`,
  )
  return readFileSync(join(dir, `${name}.pem`), 'utf8')
}
let [own, other] = ['', '']

beforeAll(async () => {
  own = authority('own')
  other = authority('other')
  writeFileSync(join(dir, 'names'), 'subjectAltName=DNS:db-1.internal,IP:127.0.0.1\n')
  openssl(
    'req',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-subj',
    '/CN=db-1',
    '-keyout',
    'node.key',
    '-out',
    'node.csr',
  )
  openssl(
    'x509',
    '-req',
    '-in',
    'node.csr',
    '-CA',
    'own.pem',
    '-CAkey',
    'own.key',
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    'names',
    '-out',
    'node.pem',
  )
  const pair = { key: readFileSync(join(dir, 'node.key')), cert: readFileSync(join(dir, 'node.pem')) }
  server = createServer(pair, (request, response) => {
    seen.push({ path: request.url ?? '', key: request.headers.authorization ?? '' })
    if (request.url === '/moved')
      response.writeHead(307, { location: `https://127.0.0.1:${port}/stolen` }).end()
    else response.end('ok')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  port = typeof address === 'object' && address ? address.port : 0
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
  rmSync(dir, { recursive: true })
})

async function ask(options: HttpOptions, host = '127.0.0.1', path = '/healthz'): Promise<unknown> {
  const client = httpClient(options)
  try {
    return await client.ask(`https://${host}:${port}`, {
      method: 'GET',
      path,
      headers: { authorization: 'Bearer k' },
    })
  } finally {
    await client.close()
  }
}

test('an authority of its own is trusted where it is named, and no other', async () => {
  expect(await ask({ ca: own })).toMatchObject({ is: 'answer', status: 200 })
  const before = seen.length
  for (const options of [{}, { ca: other }])
    expect(await ask(options)).toMatchObject({
      is: 'error',
      why: expect.stringMatching(/^its certificate is/),
    })
  expect(seen).toHaveLength(before)
})

test('the name is checked, also where the bytes go elsewhere', async () => {
  const reach = () => Promise.resolve({ host: '127.0.0.1', port })
  expect(await ask({ ca: own, reach }, 'db-1.internal')).toMatchObject({ is: 'answer', status: 200 })
  const before = seen.length
  expect(await ask({ ca: own, reach }, 'db-2.internal')).toMatchObject({
    is: 'error',
    why: expect.stringMatching(/^its certificate is/),
  })
  expect(seen).toHaveLength(before)
})

test('a node that speaks no TLS there is told as such', async () => {
  const plain = createPlain((_, response) => response.end('ok'))
  await new Promise<void>(resolve => plain.listen(0, '127.0.0.1', resolve))
  const address = plain.address()
  const client = httpClient({ ca: own })
  const at = `https://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  expect(await client.ask(at, { method: 'GET', path: '/' })).toMatchObject({
    why: 'it does not speak TLS there: is it http?',
  })
  await client.close()
  await new Promise(resolve => plain.close(resolve))
})

test('a redirect and a proxy are not followed: the key goes to the node alone', async () => {
  const [https, http] = [process.env['HTTPS_PROXY'], process.env['HTTP_PROXY']]
  Object.assign(process.env, { HTTPS_PROXY: 'http://127.0.0.1:9', HTTP_PROXY: 'http://127.0.0.1:9' })
  try {
    expect(await ask({ ca: own }, '127.0.0.1', '/moved')).toMatchObject({ is: 'answer', status: 307 })
    expect(seen.map(one => one.path)).not.toContain('/stolen')
  } finally {
    for (const [name, value] of [
      ['HTTPS_PROXY', https],
      ['HTTP_PROXY', http],
    ] as const)
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
  }
})
