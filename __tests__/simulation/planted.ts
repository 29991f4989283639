/** A rule of the product, broken: in `file` under src/ `from` becomes `to`. The simulation must notice each. */
export type Planted = { what: string; file: string; from: string; to: string }

export const planted: Planted[] = [
  {
    what: 'an approved rollout whose job died is gone on with once more (was real)',
    file: 'domain/going-on.ts',
    from: "!decisions.some(e => e.what === 'going-back') && !goneOnWith(found.lines)",
    to: "!decisions.some(e => e.what === 'going-back')",
  },
  {
    what: 'a node that lost its lease is never told how the rollout ended (was real)',
    file: 'domain/goal.ts',
    from: 'return told > 0 && told < r.lines.length',
    to: 'return told > 0 && told < 0',
  },
  {
    what: 'after its switch has fired the canary is upgraded anew',
    file: 'domain/due.ts',
    from: 'return why === undefined ? undefined',
    to: 'return why !== "" ? undefined',
  },
  {
    what: 'nobody disarms',
    file: 'domain/steps.ts',
    from: "g.switch === 'off' && o.armed",
    to: 'g.switch === g && o.armed',
  },
  {
    what: 'a watch that failed leads to nothing',
    file: 'domain/due.ts',
    from: "if (!last || last.is === 'pass' || r.stale) return undefined",
    to: 'if (last || !last) return undefined',
  },
  {
    what: 'a switch believes that the old version reads everything',
    file: 'domain/goal.ts',
    from: "keeps: r.rehearsed?.class === 'keeps-data'",
    to: 'keeps: true',
  },
  {
    what: 'a rollback point is not proven',
    file: 'domain/steps.ts',
    from: "if (g.prove === 'none' || g.data !== 'in-place') return []",
    to: "if (g.prove !== undefined || g.data !== 'in-place') return []",
  },
  {
    what: 'a node that serves again is left out of traffic',
    file: 'domain/steps.ts',
    from: "if (!inTraffic(o)) out.push({ do: 'undrain' })",
    to: "if (o.traffic === 'no-drain') out.push({ do: 'undrain' })",
  },
  {
    what: 'the supervisor is not given back its server',
    file: 'domain/steps.ts',
    from: "if (o.held) out.push({ do: 'let-go' })",
    to: "if (o.held === 1) out.push({ do: 'let-go' })",
  },
  {
    what: 'nothing is rehearsed',
    file: 'domain/goal.ts',
    from: "if (r.step !== 'snapshot' || r.rehearsed !== undefined || r.proofs[id]) return false",
    to: 'return false',
  },
  {
    what: 'the class of the rehearsal is not asked before the old version is started on new data',
    file: 'domain/goal.ts',
    from: "if (r.rehearsed?.class === 'keeps-data') return 'keep'",
    to: "if (r.rehearsed !== null) return 'keep'",
  },
  {
    what: 'a server is stopped under its users',
    file: 'domain/steps.ts',
    from: "const reached = o.traffic === 'in' || o.traffic === 'leaving'",
    to: "const reached = o.traffic === 'drained'",
  },
  {
    what: 'a step that never works is tried for ever, as long as its node answers (was real)',
    file: 'domain/apply.ts',
    from: "failing: c.kind === 'step' ? 0 : was.failing",
    to: 'failing: 0 * was.failing',
  },
]
