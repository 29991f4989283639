import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { getMessage, list, newThread, postMany } from './calls.ts'
import { readyInstance } from './instance.ts'
import { progressdbContract, type Subject } from './progressdb.contract.ts'

const OLD = process.env['PROGRESSDB_BIN_OLD'] ?? ''
const NEW = process.env['PROGRESSDB_BIN'] ?? ''

for (const [variable, binary] of [
  ['PROGRESSDB_BIN', NEW],
  ['PROGRESSDB_BIN_OLD', OLD],
]) {
  if (binary) {
    describe('a real server', () => {
      let subject: Subject
      beforeAll(async () => {
        subject = { binary, version: await versionOf(binary), tables: '.sst' }
      })
      progressdbContract(`${variable} ${binary}`, () => subject)
    })
  } else {
    test.skip(`${variable} names no ProgressDB binary: set it to run the contract against a real server`, () => {})
  }
}

test.skipIf(OLD === '' || NEW === '')('the old and the new server read what each other wrote', async () => {
  const server = await readyInstance(OLD)
  onTestFinished(server.close)
  const thread = await newThread(server)
  const written = await postMany(server, thread, 10)
  for (const binary of [NEW, OLD]) {
    await server.stop()
    await server.start(binary)
    for (const key of written) expect((await getMessage(server, thread, key)).status).toBe(200)
    written.push(...(await postMany(server, thread, 10)))
    await getMessage(server, thread, written.at(-1)!)
    expect((await list(server, thread)).json.pagination!.total).toBe(written.length)
  }
})

/** What the binary calls itself: the contract then asks that it says so everywhere. */
async function versionOf(binary: string): Promise<string> {
  const server = await readyInstance(binary)
  try {
    const banner = /Version: +(\S+)/.exec(await server.log())?.[1]
    expect(banner).toMatch(/^v\d+\.\d+\.\d+/)
    return banner ?? ''
  } finally {
    await server.close()
  }
}
