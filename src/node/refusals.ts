import type { Failure } from '../domain/event.ts'
import { printable, Untrusted } from '../domain/text.ts'
import { type Answer } from './answer.ts'
import { leaseOf } from './observed.ts'

type Words = { what: string; next: string; kind?: Failure['kind'] }

const LOOK = 'look at the node, then run `status`'
const AGAIN = 'run it again; nothing was left half done'

/** Every end code of a node's programs, in a person's words. What lies behind it (`why`) is the program's own. */
const words: Record<string, Words> = {
  'bad-argument': {
    what: 'a program was called wrongly',
    next: 'report this with the journal: it is our mistake',
  },
  busy: {
    what: 'another program works on the node and did not end in time',
    next: 'wait for it, then run again',
  },
  'lease-held': {
    what: 'another rollout holds the node',
    next: 'wait for it, or end it with `recover`',
    kind: 'lease',
  },
  'lease-lost': {
    what: 'the node was taken over by another run',
    next: 'see which run holds it with `status`',
    kind: 'lease',
  },
  'switch-fired': {
    what: 'nobody confirmed the rollout on this node in time, and it goes back by itself',
    next: 'run `recover`, which waits for it and settles the others',
    kind: 'fired',
  },
  'not-armed': {
    what: 'the node cannot be made to go back by itself, so it is not changed',
    next: 'see that it is adopted by this version (`progressdb-rollout adopt`), then run again',
  },
  'no-lease': {
    what: 'the node was never leased',
    next: 'run `release` or `recover`, which take the lease first',
    kind: 'lease',
  },
  interrupted: { what: 'the program was told to end', next: AGAIN },
  'not-written': {
    what: 'could not write on the node',
    next: 'free space, or give write access to the install and data folders',
  },
  'disk-full': {
    what: 'the node has too little free space',
    next: 'free space, or remove old checkpoints',
    kind: 'disk',
  },
  'swap-unfinished': { what: 'an earlier restore was cut short', next: 'run `recover`, which finishes it' },
  'swap-stuck': { what: 'an earlier restore cannot be finished by itself', next: LOOK },
  'swap-failed': { what: 'the restored data could not be put in place', next: LOOK },
  'server-running': { what: 'the server runs where it should be stopped', next: LOOK },
  'data-in-use': {
    what: 'a process that was not started by a rollout has the data open',
    next: 'stop that process, or adopt it',
  },
  'data-missing': {
    what: 'the data folder is not there',
    next: 'check `data` in the configuration, and the disk',
  },
  'data-foreign': {
    what: 'the data folder is not that of this service',
    next: 'check `data` in the configuration',
  },
  'data-has-specials': {
    what: 'the data folder holds what a checkpoint cannot hold',
    next: 'move it out of the data folder',
  },
  'data-is-mount': {
    what: 'the data folder is a mount point',
    next: 'use a folder below the mount point as `data`',
  },
  'not-adopted': {
    what: 'it is not known which release wrote this data',
    next: 'adopt the node while its server runs',
  },
  'not-found': {
    what: 'no running server was found to adopt',
    next: 'start the server as you always do, then run again',
  },
  'checkpoint-exists': { what: 'a checkpoint of that name is there from another stop', next: LOOK },
  'no-checkpoint': { what: 'there is no checkpoint that this needs', next: LOOK },
  'checkpoint-damaged': {
    what: 'a checkpoint is not what it was',
    next: 'check the disk; do not rely on this checkpoint',
    kind: 'proof',
  },
  'not-hashed': {
    what: 'a checkpoint was not hashed yet',
    next: 'report this with the journal: it is our mistake',
    kind: 'proof',
  },
  'copy-failed': {
    what: 'the data could not be copied',
    next: 'check the disk and the rights on the data folder',
  },
  'copy-differs': {
    what: 'a copy has not the files of its source',
    next: 'see what else writes into the data folder',
  },
  'database-broken': {
    what: 'a database in the data folder is not whole',
    next: 'restore it by hand before any rollout',
  },
  'pause-failed': { what: 'the server could not be paused', next: AGAIN },
  'pause-limit': {
    what: 'the copy took longer than the server may be paused',
    next: 'use a file system with reflinks or hard links',
  },
  'stop-limit': {
    what: 'the server did not stop in time',
    next: 'see its log; raise `stop-limit` if it needs longer',
    kind: 'stop',
  },
  'drain-failed': {
    what: 'it could not be taken out of traffic, or put back',
    next: 'see to the load balancer, or to the command under `drain:`, then run `recover`',
    kind: 'drain',
  },
  'not-brought': { what: 'the binary did not arrive on the node', next: AGAIN },
  'wrong-digest': { what: 'the binary that arrived is not that of the release', next: AGAIN },
  'release-damaged': {
    what: 'an installed release is not what its name says',
    next: 'remove its folder under `releases/`, then run again',
  },
  'not-installed': { what: 'the release is not installed on the node', next: LOOK },
  'not-active': { what: 'another release is active than was to be started', next: LOOK },
  'not-running': { what: 'the process that was checked does not run any more', next: LOOK, kind: 'check' },
  'server-exited': { what: 'the server ended as soon as it was started', next: 'see its log', kind: 'ended' },
  'docker-silent': {
    what: 'Docker does not answer',
    next: 'see that it runs there, then run again',
    kind: 'unreachable',
  },
  'container-missing': {
    what: 'the container of the server is not there',
    next: 'see what  docker ps --all  shows there; then adopt the node again',
  },
  'container-foreign': {
    what: 'a container has a name that a rollout needs',
    next: 'rename or remove it, or adopt the node again',
  },
  'container-refused': { what: 'Docker refused what it was asked for', next: 'mend that, then run again' },
  'image-missing': {
    what: 'the registry has no such image',
    next: 'push it in the release job before this one, or correct `docker.image`',
  },
  'image-other-platform': {
    what: 'the image is for another kind of machine',
    next: 'build it for the machines of the fleet, as one image of several platforms',
  },
  'image-not-the-release': {
    what: 'the image does not hold the program of the release',
    next: 'build image and archives in one run of goreleaser; where they are built apart on purpose, write `docker: { program: none }`',
  },
  'registry-refused': {
    what: 'the registry shows the image to nobody with the credentials of this node',
    next: 'on the node, as the user that drives it (root, where that is not the owner of the data):  docker login',
  },
  'registry-silent': {
    what: 'the registry gave no answer',
    next: 'check the registry and the way to it from this node, then run again',
  },
  'sudo-refused': {
    what: 'root may not be asked for what a rollout needs',
    next: 'run `adopt` again, which writes the sudoers file',
  },
  'adoption-failed': {
    what: 'the adoption stopped half way',
    next: 'mend that, then adopt again: what is done is left as it is',
  },
  'no-staging': { what: 'there is no copy to rehearse on', next: LOOK, kind: 'proof' },
  'guest-exited': { what: 'the server ended at once on the copy', next: 'see its log', kind: 'ended' },
}

/** A program's refusal as a failure. `effect` is the program's own word: `none` only where it had not begun to change anything. */
export function failureOf(node: string, answer: Answer): Failure {
  const code = answer.end ?? ''
  const known = words[code] ?? {
    what: `a program ended with ${printable(new Untrusted(code), 60)}`,
    next: LOOK,
  }
  const why = printable(new Untrusted(answer.values['why']?.at(-1) ?? ''), 500)
  const held = leaseOf(answer)
  return {
    code: spelt(code),
    what: `${node}: ${known.what}`,
    ...(why === '' ? {} : { because: why }),
    next: known.next,
    where: node,
    effect: answer.values['effect']?.at(-1) === 'none' ? 'none' : 'unknown',
    kind: known.kind ?? 'other',
    ...(held && known.kind === 'lease' ? { held } : {}),
  }
}

const spelt = (code: string): string => printable(new Untrusted(code), 60).toUpperCase().replaceAll('-', '_')

/** The end codes that have words; a test compares them with the programs. */
export const knownCodes = Object.keys(words)
