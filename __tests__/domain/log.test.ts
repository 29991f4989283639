import { describe, expect, it } from 'vitest'
import {
  bytes,
  clock,
  columns,
  count,
  day,
  duration,
  fullDate,
  line,
  list,
  problemLines,
  several,
  share,
  span,
  utc,
} from '../../src/domain/log.ts'

const at = Date.parse('2026-11-22T22:25:32.900Z')

describe('a log line', () => {
  it('has its topic in a column', () => {
    expect(line('rollout', 'r-7f3a by @ana')).toBe('rollout   r-7f3a by @ana')
    expect(line('rehearse', 'v0.2.2')).toBe('rehearse  v0.2.2')
    expect(line('', '')).toBe('')
  })
  it('shows an error as what, because and next', () => {
    const problem = {
      code: 'SSH_KEY_REFUSED',
      what: 'db-2 refuses the key',
      because: 'db-2 lacks it',
      next: 'add it',
    }
    expect(problemLines(problem)).toEqual([
      'error  SSH_KEY_REFUSED  db-2 refuses the key',
      '       because db-2 lacks it',
      '       next  add it',
    ])
    expect(problemLines({ code: 'X', what: 'bad', next: 'n', where: 'rollout.yml:3:5' })).toEqual([
      'error  X  rollout.yml:3:5  bad',
      '       next  n',
    ])
  })
  it('aligns columns', () => {
    expect(
      columns([
        ['db-1', 'v1', 'x'],
        ['db-10', '', 'y'],
      ]),
    ).toEqual(['db-1   v1  x', 'db-10      y'])
  })
})

describe('numbers', () => {
  it.each<[number, string]>([
    [0, '0 ms'],
    [0.04, '<0.1 ms'],
    [3, '3 ms'],
    [8.14, '8.1 ms'],
    [840, '840 ms'],
    [999.7, '1.0 s'],
    [1_900, '1.9 s'],
    [9_960, '10 s'],
    [14_200, '14 s'],
    [59_600, '1:00'],
    [200_000, '3:20'],
    [3_723_000, '1:02:03'],
  ])('a time of %d ms is %s', (ms, text) => {
    expect(duration(ms)).toBe(text)
  })
  it('counts down in whole seconds and never below zero', () => {
    expect([clock(200_999), clock(-1), clock(3_600_000)]).toEqual(['3:20', '0:00', '1:00:00'])
  })
  it('says settings in words', () => {
    expect([span(60_000), span(600_000), span(14_400_000), span(90_000), span(250)]).toEqual([
      '60 s',
      '10 min',
      '4 h',
      '90 s',
      '250 ms',
    ])
  })
  it('never prints a number for what is not known', () => {
    expect([
      count('unknown'),
      count(undefined),
      count(Number.NaN),
      bytes('unknown'),
      share(Number.NaN),
    ]).toEqual(Array(5).fill('unknown'))
    expect([count(0), count(48211), several(1, 'node'), several(2, 'node')]).toEqual([
      '0',
      '48,211',
      '1 node',
      '2 nodes',
    ])
  })
  it.each<[number, string]>([
    [0, '0 B'],
    [512, '512 B'],
    [999_600, '1 MB'],
    [38_000_000, '38 MB'],
    [4_700_000_000, '4.7 GB'],
    [9_960_000, '10 MB'],
  ])('%d bytes are %s', (n, text) => {
    expect(bytes(n)).toBe(text)
  })
  it.each<[number, string]>([
    [0, '0 %'],
    [0.00001, '<0.01 %'],
    [2 / 3002, '0.07 %'],
    [38 / 412, '9.2 %'],
    [0.9999, '>99.9 %'],
    [1, '100 %'],
  ])('a share of %d is %s', (x, text) => {
    expect(share(x)).toBe(text)
  })
  it('says times in UTC', () => {
    expect([utc(at), fullDate(at), day(at)]).toEqual(['22:25:32 UTC', '2026-11-22 22:25:32', '22 Nov 2026'])
  })
  it('lists names', () => {
    expect([list([]), list(['a']), list(['a', 'b']), list(['a', 'b', 'c'])]).toEqual([
      '',
      'a',
      'a and b',
      'a, b and c',
    ])
  })
})
