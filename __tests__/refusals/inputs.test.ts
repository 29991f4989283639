import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { refused } from './expect.ts'
import { openRig, type Rig } from './rig.ts'

// A busy machine takes ten times as long as an idle one.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 })

/** What a person types wrongly: keys, secrets, the fleet file. Through the program, and a few through action.yml. */

let rig: Rig

beforeAll(async () => void (rig = await openRig({ nodes: 1 })))
afterAll(async () => rig.close())

const pem = (passphrase?: string): string =>
  generateKeyPairSync('ed25519', {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: {
      type: 'pkcs8',
      format: 'pem',
      ...(passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase }),
    },
  }).privateKey
const crlf = (text: string): string => text.replaceAll('\n', '\r\n')
const keys = (): string => `backend=${rig.fleet.keys.probe}\nadmin=${rig.fleet.keys.admin}\n`

describe('secrets', () => {
  test('line breaks of another system are mended, in the keys and in the ssh key', async () => {
    const ran = await rig.release({ mode: 'plan', keys: crlf(keys()), sshKey: crlf(pem()) })
    expect(ran.errors, ran.text).toEqual([])
    expect(ran.code).toBe(0)
  })
  test('an ssh key with a passphrase', async () => {
    const sshKey = pem('correct horse')
    const [told] = await refused(rig, () => rig.release({ sshKey }), ['SSH_KEY_ENCRYPTED'])
    expect(told?.next).toContain('ssh-keygen')
    expect(JSON.stringify(told)).not.toContain(sshKey.split('\n')[1])
  })
  test('an empty secret, a line without a name, and a key with a line break in it', async () => {
    const [told] = await refused(rig, () => rig.release({ keys: 'backend=\nadmin=a\tb\njust-a-value\n' }), [
      'KEY_EMPTY',
      'KEY_NOT_PRINTABLE',
      'KEY_WITHOUT_NAME',
    ])
    expect(told?.because).toContain('secrets.')
  })
  test('all of them empty, as a job without its environment gets them', async () => {
    const job = await rig.job({ keys: 'backend=\nadmin=\n' })
    expect(job.conclusion).toBe('failure')
    expect(job.outputs['outcome']).toBe('unchanged')
    expect(job.lines.filter(line => line.startsWith('error  KEY_EMPTY'))).toHaveLength(2)
  })
})

describe('the fleet file', () => {
  const seven = `profil: progressdb
repository: not a repository
local: true
process: {}
install: /opt/progressdb
data: /opt/progressdb/data
nodes: [db-1, db-1, "db 3"]
canary: { nodes: 1, watch: 10 }
start-limit: soon
judge: { failed: 120 % }
`
  /** line:column of each. */
  const places = ['1:1', '2:13', '6:7', '7:15', '7:21', '8:28', '9:14', '10:18']

  test('with its mistakes told all at once, each with its place', async () => {
    const ran = await rig.release({ fleet: { text: seven } })
    expect(ran.code, ran.text).toBe(3)
    const told = ran.errors.map(e => /rollout\.yml:(\d+:\d+)/.exec(e.what)?.[1] ?? e.what)
    for (const place of places) expect(told, ran.text).toContain(place)
    expect(told.length).toBeGreaterThanOrEqual(7)
    for (const { next } of ran.errors) expect(next.length, ran.text).toBeGreaterThan(10)
    expect(ran.errors[0]?.next).toContain('profile')
  })
  test('that is wrong together with a wrong tag and a wrong key: all in one run', async () => {
    const fleet = { text: readFileSync(rig.file(), 'utf8').replace('canary:', 'canery:') }
    const sshKey = pem('x')
    const told = await refused(rig, () => rig.release({ fleet, tag: 'main', keys: 'backend=\n', sshKey }), [
      'INPUT_INVALID',
      'KEY_EMPTY',
      'SETTING_UNKNOWN',
      'SSH_KEY_ENCRYPTED',
    ])
    expect(told.map(t => t.next).join('\n')).toContain('canary')
  })
  test('through action.yml: every place in the log and in the summary, the job red, nothing asked of a node', async () => {
    const job = await rig.job({ fleet: { text: seven } })
    expect(job.conclusion).toBe('failure')
    expect(job.outputs).toMatchObject({ outcome: 'unchanged', 'reason-code': 'plan-refused' })
    for (const place of places) expect(job.lines.join('\n')).toContain(`rollout.yml:${place}`)
    for (const place of places) expect(job.summary).toContain(`rollout.yml:${place}`)
    expect(
      job.steps.filter(s => ['snapshot', 'canary', 'promote'].includes(s.id)).map(s => s.outcome),
    ).toEqual(['skipped', 'skipped', 'skipped'])
  })
  test('that is not there', async () => {
    const job = await rig.job({ fleet: { text: '' } })
    expect(job.conclusion).toBe('failure')
    expect(job.outputs['outcome']).toBe('unchanged')
  })
})
