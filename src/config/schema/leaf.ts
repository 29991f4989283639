import * as z from 'zod/mini'
import { DURATION, PERCENTAGE, parseDuration, parseShare, parseSize, SIZE } from '../../domain/policy.ts'

/*
 * The smallest parts of the fleet file. The message of each schema is the phrase after "write": the file's errors are
 * built from it, because the library's own texts say nothing.
 */

/** A setting as the schema file shows it to an editor. */
export const described = <T extends z.ZodMiniType>(schema: T, description: string): T =>
  schema.check(z.describe(description))

/** Text of a closed form. `wanted` is what to write instead. */
export const text = (form: RegExp, wanted: string) => z.string(wanted).check(z.regex(form, wanted))

export const whole = (least: number, most: number, wanted = `a whole number from ${least} to ${most}`) =>
  z.int(wanted).check(z.minimum(least, wanted), z.maximum(most, wanted))

export const amount = (wanted: string) => z.number(wanted)

export const yesOrNo = () => z.boolean('true or false')

const SECOND = 1000
export const DAY = 86_400 * SECOND

/** Milliseconds. Bounds are in milliseconds; most durations are timers, which end at 24 days. */
export const duration = (least = SECOND, most = DAY) => {
  const wanted = `a duration with its unit, such as 30s, 10m or 4h (from ${spell(least)} to ${spell(most)})`
  const within = (value: string) => {
    const ms = parseDuration(value) ?? -1
    return ms >= least && ms <= most
  }
  return z.pipe(
    z.string(wanted).check(z.regex(DURATION, wanted), z.refine(within, wanted)),
    z.transform((value: string) => parseDuration(value) ?? 0),
  )
}

const spell = (ms: number) => (ms < SECOND ? `${ms}ms` : ms < DAY ? `${ms / SECOND}s` : `${ms / DAY}d`)

/** Bytes. */
export const size = () => {
  const wanted = 'a size such as 500MB or 2GiB'
  return z.pipe(
    z.string(wanted).check(z.regex(SIZE, wanted)),
    z.transform((value: string) => parseSize(value) ?? 0),
  )
}

/** 0..1. */
export const share = () => {
  const wanted = 'a share such as 10 % or 0.1'
  return z.pipe(
    z.union([
      z.number(wanted).check(z.minimum(0, wanted), z.maximum(1, wanted)),
      z.string(wanted).check(
        z.regex(PERCENTAGE, wanted),
        z.refine((value: string) => parseShare(value) !== undefined, wanted),
      ),
    ]),
    z.transform((value: string | number) => parseShare(value) ?? 0),
  )
}

/** An absolute, normalised path; `{name}` stands for the node's name. Quotes, backslashes and control characters have no place in it. */
export const path = () =>
  text(
    /^(?!.*\/\.{0,2}(?:\/|$))\/(?:[\w.@+=,:~ /-]|\{name\}){1,400}$/,
    'an absolute path such as /var/lib/progressdb or /srv/{name}/data, without "..", "//" or a slash at its end',
  )

/** Path of an HTTP request. */
export const route = () => text(/^\/[\w./~%-]{0,200}$/, 'a path such as /healthz')

export const nodeName = () =>
  text(
    /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
    'a node name of letters, digits, ".", "-" and "_", at most 63 characters, such as db-1',
  )

/** Name of one line of the input `keys`. */
export const KEY_NAME = /^[a-z][a-z0-9_-]{0,30}$/
export const keyName = () => text(KEY_NAME, 'the name of a line of the input `keys`, such as backend')

/** A line for the shell of the node or the runner. */
export const command = () => text(/^[^\0]{1,4000}$/s, 'a command line for sh, such as make smoke')

/** One, or a list of them. */
export const oneOrMore = <T extends z.ZodMiniType>(one: T, wanted: string) =>
  z.union([one, z.array(one, wanted).check(z.minLength(1, wanted), z.maxLength(16, wanted))], wanted)
