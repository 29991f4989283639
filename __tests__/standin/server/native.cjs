const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { getRawAsset } = require('node:sea')

/** Stands for `node-gyp-build` inside the executable: loads the LevelDB binding that it carries. */
module.exports = function load() {
  const folder = mkdtempSync(join(tmpdir(), 'progressdb-'))
  const file = join(folder, 'leveldb.node')
  try {
    writeFileSync(file, Buffer.from(getRawAsset('leveldb.node')), { mode: 0o600 })
    const loaded = { exports: {} }
    process.dlopen(loaded, file)
    return loaded.exports
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
