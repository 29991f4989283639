import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { array, assert, constantFrom, oneof, property, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { script } from '../../src/shell/script.ts'
import { quote } from '../../src/domain/quote.ts'

const shells = {
  dash: ['/usr/bin/dash'],
  bash: ['/usr/bin/bash', '--posix'],
  busybox: ['/usr/bin/busybox', 'sh'],
}
const words = array(
  string({
    unit: oneof(constantFrom("'", '"', '\\', '$', '`', '\n', ' ', '*', '!', '%'), string()),
  }),
  { maxLength: 8 },
)

describe.each(Object.entries(shells))('%s', (_, [file = '', ...flags]) => {
  it('gets exactly the words that were quoted', () => {
    assert(
      property(
        words.filter(all => all.every(word => !word.includes('\0'))),
        all => {
          const text = 'main() { for word; do printf "%s\\0" "$word"; done; }\nmain "$@" </dev/null'
          const out = execFileSync(file, [...flags, '-s'], { input: script({ name: 'echo', text }, all) })
          expect(out.toString('utf8').split('\0').slice(0, -1)).toEqual(all)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('runs nothing of a transfer that was cut short anywhere', () => {
    const folder = mkdtempSync(join(tmpdir(), 'cut-'))
    try {
      const text = 'touch at-once\nmain() {\n  touch "$1"\n}\nmain "$@" </dev/null'
      const whole = script({ name: 'cut', text }, ['done'])
      // the group is whole once its closing brace has come
      for (let length = 0; length < whole.lastIndexOf('}'); length++) {
        spawnSync(file, [...flags, '-s'], { input: whole.slice(0, length), cwd: folder })
        expect(readdirSync(folder), whole.slice(0, length)).toEqual([])
      }
      spawnSync(file, [...flags, '-s'], { input: whole, cwd: folder })
      expect(readdirSync(folder).sort()).toEqual(['at-once', 'done'])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

it('refuses what no shell can pass on', () => {
  expect(() => quote('a\0b')).toThrow(/NUL/)
})
