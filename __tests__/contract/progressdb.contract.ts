import { describe } from 'vitest'
import { accessContract } from './access.contract.ts'
import { adminContract } from './admin.contract.ts'
import { durabilityContract } from './durability.contract.ts'
import { lifecycleContract } from './lifecycle.contract.ts'
import { messagesContract } from './messages.contract.ts'

/** A program that says it is ProgressDB 0.2.x. `version` is what it answers, with the v; `tables` how its immutable files end. */
export type Subject = { binary: string; version: string; tables: '.sst' | '.ldb' }

/** What a rollout relies on in a ProgressDB server. `subject` is asked when the tests run. */
export function progressdbContract(name: string, subject: () => Subject): void {
  describe(name, () => {
    lifecycleContract(subject)
    accessContract(subject)
    messagesContract(subject)
    adminContract(subject)
    durabilityContract(subject)
  })
}
