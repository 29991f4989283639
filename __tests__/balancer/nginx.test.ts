import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { request } from 'undici'
import { freePorts } from '../local-fleet/server-process.ts'
import { type Named, namedServers } from './servers.ts'

/* The example for nginx that the documentation names, with a real nginx: what it promises, and what it does not. */

const script = join(import.meta.dirname, '../../examples/drain-nginx.sh')
let dir = ''
let url = ''
let takes = 5
let nginx: ChildProcess
let nodes: Named[] = []
let env: NodeJS.ProcessEnv = {}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'nginx-'))
  const [port = 0] = await freePorts(1)
  url = `http://127.0.0.1:${port}/`
  nodes = await namedServers(['db-1', 'db-10'], () => takes)
  const file = join(dir, 'nginx.conf')
  mkdirSync(join(dir, 'tmp'))
  writeFileSync(
    join(dir, 'db.servers'),
    nodes.map(node => `server 127.0.0.1:${node.port}; # ${node.name}\n`).join(''),
  )
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  writeFileSync(
    file,
    `daemon off; pid ${dir}/nginx.pid; error_log ${dir}/error.log; worker_processes 2;
events { worker_connections 256; }
http {
  access_log off;
${paths.map(name => `  ${name}_temp_path ${dir}/tmp/${name};\n`).join('')}
  upstream db { include ${dir}/db.servers; keepalive 8; }
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://db; proxy_http_version 1.1; proxy_set_header Connection ''; proxy_next_upstream off; }
  }
}
`,
  )
  env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    SERVERS: join(dir, 'db.servers'),
    NGINX_COMMAND: `nginx -c ${file} -e ${dir}/error.log`,
    NGINX_PID: join(dir, 'nginx.pid'),
    LIMIT: '5',
  }
  nginx = spawn('/usr/sbin/nginx', ['-c', file, '-e', join(dir, 'error.log')], { stdio: 'ignore' })
  for (let tries = 0; tries < 100 && (await answer()) === ''; tries++) await sleep(50)
})
afterAll(async () => {
  nginx?.kill('SIGTERM')
  for (const node of nodes) node.server.close()
  rmSync(dir, { recursive: true, force: true })
})

const answer = async (): Promise<string> => {
  try {
    const { statusCode, body } = await request(url)
    const text = await body.text()
    return statusCode === 200 ? text : `answered ${statusCode}`
  } catch {
    return ''
  }
}
const run = promisify(execFile)
const drain = (...words: string[]) => run('/bin/sh', [script, ...words], { env })

it('takes a node out and puts it back, and no answer is an error; a reload may close a connection that a request is on', async () => {
  const over = new AbortController()
  const answers: string[] = []
  const clients = Array.from({ length: 4 }, async () => {
    while (!over.signal.aborted) answers.push(await answer())
  })
  await drain('out', 'db-1')
  expect(readFileSync(join(dir, 'db.servers'), 'utf8')).toMatch(/ down; # db-1\nserver [\d.:]+; # db-10\n$/)
  await drain('out', 'db-1')
  const since = answers.length
  await sleep(500)
  expect(new Set(answers.slice(since))).toEqual(new Set(['db-10']))
  await drain('in', 'db-1')
  await sleep(500)
  over.abort()
  await Promise.all(clients)
  expect(readFileSync(join(dir, 'db.servers'), 'utf8')).not.toContain('down')
  expect(new Set(answers.filter(text => text !== ''))).toEqual(new Set(['db-1', 'db-10']))
  const closed = answers.filter(text => text === '').length
  console.log(`${answers.length} requests, ${closed} of them on a connection that a reload closed`)
  expect(answers.length).toBeGreaterThan(500)
  expect(closed).toBeLessThan(answers.length / 100)
}, 60_000)

it('does not say that a node is out while requests are under way', async () => {
  takes = 20_000
  const under = [request(url), request(url)].map(one => one.catch(() => undefined))
  await sleep(300)
  await expect(drain('out', 'db-1')).rejects.toMatchObject({ stderr: 'requests are still under way\n' })
  execFileSync('/usr/bin/pkill', ['-KILL', '-P', String(nginx.pid)])
  await Promise.all(under)
  takes = 5
  await sleep(500)
  await drain('in', 'db-1')
}, 60_000)

it('knows no node that is not there', async () => {
  await expect(drain('out', 'db-2')).rejects.toMatchObject({
    stderr: `${join(dir, 'db.servers')} names no db-2\n`,
  })
})
