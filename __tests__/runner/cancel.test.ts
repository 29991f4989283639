import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { LADDER } from './child.ts'
import { workbench } from './workbench.ts'

const { run, step, at } = workbench()

describe('cancel', () => {
  const SLOW = `
process.on('SIGINT', () => { console.log('got SIGINT'); process.exit(130) })
process.on('SIGTERM', () => console.log('got SIGTERM'))
console.log('ready')
setInterval(() => {}, 1000)`
  const cancelWhenReady = {
    onLine: (line: string, job: { cancel: () => void }) => (line === 'ready' ? job.cancel() : undefined),
  }
  const guard =
    '- { id: guard, if: always(), run: "echo guard ran; exit 0", shell: bash }\n- { id: next, run: "true", shell: bash }'

  test('the times are those of GitHub’s runner unless told otherwise', () => {
    expect(LADDER).toEqual({ interrupt: 7_500, terminate: 2_500 })
  })

  test('exec node is told at once, and the guard runs with nobody left', async () => {
    writeFileSync(at('action', 'slow.mjs'), SLOW)
    const result = await run(
      `- { id: main, run: 'exec "$NODE" "$GITHUB_ACTION_PATH/slow.mjs"', shell: bash }\n${guard}`,
      cancelWhenReady,
    )
    expect(result.lines).toContain('got SIGINT')
    expect(step(result, 'main')?.conclusion).toBe('cancelled')
    expect(result.steps.map(one => one.outcome)).toEqual(['cancelled', 'success', 'skipped'])
    expect(result.conclusion).toBe('cancelled')
    expect(result.orphans).toEqual([])
  })

  test('plain node hears nothing, outlives its step, and dies only with the job', async () => {
    writeFileSync(
      at('action', 'slow.mjs'),
      SLOW.replace(
        "console.log('ready')",
        "console.log('ready'); process.stdout.destroy(); process.stderr.destroy()",
      ),
    )
    const result = await run(
      `- { id: main, run: '"$NODE" "$GITHUB_ACTION_PATH/slow.mjs"; true', shell: bash }\n${guard}`,
      { ...cancelWhenReady, ladder: { interrupt: 400, terminate: 200 } },
    )
    expect(result.lines).not.toContain('got SIGINT')
    expect(step(result, 'main')?.conclusion).toBe('cancelled')
    expect(step(result, 'main')?.ms).toBeGreaterThan(390)
    expect(step(result, 'guard')?.outcome).toBe('success')
    expect(result.orphans.length).toBe(1)
  })

  test('a step that ignores both signals is killed at the end of the ladder', async () => {
    const result = await run(
      '- { id: main, run: "trap \'\' INT TERM; echo ready; while :; do sleep 0.1; done", shell: bash }',
      cancelWhenReady,
    )
    expect(step(result, 'main')?.conclusion).toBe('cancelled')
    expect(step(result, 'main')?.ms).toBeGreaterThan(590)
  })

  test('a step whose own condition holds on cancel is not signalled', async () => {
    const result = await run(
      '- { id: guard, if: always(), run: "trap \'echo signalled\' INT TERM; echo ready; sleep 0.5; echo finished", shell: bash }',
      cancelWhenReady,
    )
    expect(result.lines).toContain('finished')
    expect(result.lines).not.toContain('signalled')
    expect(result.conclusion).toBe('cancelled')
  })

  test('failure() does not hold after a cancel, cancelled() does', async () => {
    const result = await run(
      `
- { id: main, run: "echo ready; exec sleep 30", shell: bash }
- { id: on-failure, if: failure(), run: "true", shell: bash }
- { id: on-cancel, if: cancelled(), run: "true", shell: bash }`,
      cancelWhenReady,
    )
    expect(result.steps.map(one => one.outcome)).toEqual(['cancelled', 'skipped', 'success'])
  })

  test('past its time after a cancel the job is killed whole', async () => {
    const result = await run(
      '- { id: guard, if: always(), run: "echo ready; exec sleep 30", shell: bash }\n- { id: last, if: always(), run: "true", shell: bash }',
      { ...cancelWhenReady, afterCancel: 200 },
    )
    expect(result.conclusion).toBe('cancelled')
    expect(result.steps).toEqual([])
  })

  test("the caller's timeout leaves a guard no time of its own", async () => {
    const result = await run(
      '- { id: main, run: "exec sleep 30", shell: bash }\n- { id: guard, if: always(), run: "exec sleep 30", shell: bash }',
      { stepTimeout: 200 },
    )
    expect(result.steps.map(one => one.outcome)).toEqual(['failure', 'failure'])
    expect(result.conclusion).toBe('failure')
    expect(result.lines.filter(line => line.includes('timed out')).length).toBe(2)
  })
})

describe('kills', () => {
  test('a killed runner takes its processes along, runs nothing more, and spares what left for a session of its own', async () => {
    const pidFile = at('server.pid')
    const result = await run(
      `- { id: main, run: 'env -u RUNNER_TRACKING_ID setsid sleep 30 > /dev/null 2>&1 & echo $! > ${pidFile}; sleep 31.7 & echo ready; wait', shell: bash }
- { id: guard, if: always(), run: "echo guard", shell: bash }`,
      { onLine: (line, job) => (line === 'ready' ? setTimeout(job.killRunner, 100) : undefined) },
    )
    const server = Number(readFileSync(pidFile, 'utf8'))
    expect(result.conclusion).toBe('lost')
    expect(result.lines).not.toContain('guard')
    expect(() => process.kill(server, 0)).not.toThrow()
    process.kill(server, 'SIGKILL')
    const left = readdirSync('/proc').filter(name => {
      if (!/^\d+$/.test(name)) return false
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8') === 'sleep\u000031.7\u0000'
      } catch {
        return false
      }
    })
    expect(left).toEqual([])
  })

  test('onStep names each process, and killing the tree of one lets the job go on', async () => {
    const seen: string[] = []
    const result = await run(
      '- { id: a, run: "sleep 30", shell: bash }\n- { id: b, if: always(), run: "true", shell: bash }',
      {
        onStep: (id, _pid, job) => {
          seen.push(id)
          if (id === 'a') setTimeout(() => job.killStep('tree'), 100)
        },
      },
    )
    expect(seen).toEqual(['a', 'b'])
    expect(result.steps.map(one => one.outcome)).toEqual(['failure', 'success'])
  })
})
