import type { Problem } from '../domain/errors.ts'
import type { MetricRule, Reading } from '../domain/measurement.ts'

/** Where series are read from: a node's own endpoint, later a Prometheus server. */
export type MetricTarget = { id: string; url: string }

/** Reads configured series of one node. Neither method throws. */
export interface MetricSource {
  /** One reading for each rule, by the rule's name; several matching series are summed. */
  read(
    target: MetricTarget,
    rules: readonly MetricRule[],
    stop?: AbortSignal,
  ): Promise<Record<string, Reading<number>>>
  /** Everything that keeps the rules from being read on this node: a refused key, a misspelt name. */
  missing(target: MetricTarget, rules: readonly MetricRule[], stop?: AbortSignal): Promise<Problem[]>
}
