/**
 * A datastore that lets an allocation run up to the write that would take the address, and stops it
 * there. So STATUS asks the very code that ADD runs (selectors, limits, strict affinity, borrowing,
 * reservations), and nothing is written.
 */
import {
  type Datastore,
  datastoreError,
  type KeyValue,
  type Revision,
  type Write,
} from '@hc-calico/ipam-core/ports'
import { isLeft, left, right } from 'fp-ts/lib/Either.js'

/** The attribute by which the write of the probe's own allocation is recognised. */
export const probeAttribute = { 'status-probe': 'hc-calico' } as const

export interface DryRun {
  readonly datastore: Datastore
  /** Whether an address was found: the write that takes it was about to be made. */
  foundRoom(): boolean
}

const takesAddress = (write: Write): boolean =>
  write.key.kind === 'Block' &&
  write.op !== 'delete' &&
  (write as Extract<Write<'Block'>, { op: 'create' | 'update' }>).value.attributes.some(
    (attribute) => attribute.secondary?.['status-probe'] === probeAttribute['status-probe'],
  )

/** STATUS is not about a namespace: a pool for some namespaces is a pool this node may use. */
const forAnyNamespace = (found: KeyValue): KeyValue => {
  if (found.key.kind !== 'IPPool') return found
  const { namespaceSelector: _, ...value } = (found as KeyValue<'IPPool'>).value
  return { ...(found as KeyValue<'IPPool'>), value }
}

const relaxed = <A>(answer: A): A => {
  if (Array.isArray(answer)) return answer.map(forAnyNamespace) as A
  return answer === undefined ? answer : (forAnyNamespace(answer as KeyValue) as A)
}

const stopped = datastoreError('Unsupported', 'STATUS writes nothing')

/** Preparing writes (claims, give-backs) are pretended, so that the allocation goes on. */
const pretended = (writes: ReadonlyArray<Write>) =>
  right({
    revisions: writes.map((write) => (write.op === 'delete' ? undefined : ('dry' as Revision))),
  })

export const dryRunOn = (real: Datastore): DryRun => {
  let found = false
  const datastore: Datastore = {
    capabilities: real.capabilities,
    read: (queries, options) => async () => {
      const answers = await real.read(queries, options)()
      return isLeft(answers) ? answers : right(answers.right.map(relaxed) as never)
    },
    commit: (writes) => async () => {
      if (!writes.some(takesAddress)) return pretended(writes)
      found = true
      return left({ error: stopped, applied: [], current: [] })
    },
    watch: (kind, cancellation) => real.watch(kind, cancellation),
    close: async () => {},
  }
  return { datastore, foundRoom: () => found }
}
