/**
 * Deliberate bugs, one at a time, as wrappers around the datastore of every process: what a careless
 * decision or adapter would have written. Each must be caught, or the checkers are blind.
 */
import type { Datastore, Key, KeyValue, Revision, Values, Write } from '@hc-calico/ipam-core/ports'
import type { Mode } from '../src/index.ts'

type Block = Values['Block']
type Change = (write: Write, current: KeyValue | undefined) => Write | undefined

export interface Mutant {
  readonly name: string
  readonly mode: Mode
  readonly wrap: (datastore: Datastore) => Datastore
}

/** Every write passes `change`, which sees what is stored; a dropped one is reported as written. */
const changing =
  (change: Change, isReversed = false) =>
  (datastore: Datastore): Datastore => ({
    ...datastore,
    commit: (writes, options) => async () => {
      const queries = writes.map(({ key }) => ({ get: key as Key }))
      const found = await datastore.read(queries)()
      if (found._tag === 'Left') return datastore.commit(writes, options)()
      const changed = writes.map((write, i) => change(write, found.right[i]))
      const kept = changed.filter((write) => write !== undefined)
      const result = await datastore.commit(isReversed ? kept.reverse() : kept, options)()
      if (result._tag === 'Left') return result
      const left = isReversed ? [...result.right.revisions].reverse() : [...result.right.revisions]
      const revisions = changed.map((write) =>
        write === undefined ? ('0' as Revision) : left.shift(),
      )
      return { _tag: 'Right', right: { revisions } }
    },
  })

/** An error of this kind is taken for success. */
const ignoring =
  (tag: string) =>
  (datastore: Datastore): Datastore => ({
    ...datastore,
    commit: (writes, options) => async () => {
      const result = await datastore.commit(writes, options)()
      if (result._tag === 'Right' || result.left.error.tag !== tag) return result
      return { _tag: 'Right', right: { revisions: writes.map(() => '0' as Revision) } }
    },
  })

const blindly =
  (kind: string, op: string): Change =>
  (write, current) =>
    write.key.kind !== kind || write.op !== op || current === undefined
      ? write
      : ({ ...write, op: op === 'create' ? 'update' : op, revision: current.revision } as Write)

const dropping =
  (kind: string, op: string): Change =>
  (write) =>
    write.key.kind === kind && write.op === op ? undefined : write

const block =
  (edit: (next: Block, old: Block | undefined) => Block): Change =>
  (write, current) =>
    write.key.kind === 'Block' && write.op !== 'delete'
      ? ({ ...write, value: edit(write.value as Block, current?.value as Block) } as Write)
      : write

const handle =
  (edit: (count: number) => number): Change =>
  (write) => {
    if (write.key.kind !== 'Handle' || write.op === 'delete') return write
    const value = write.value as Values['Handle']
    const blocks = Object.fromEntries(Object.entries(value.blocks).map(([c, n]) => [c, edit(n)]))
    return { ...write, value: { ...value, blocks } } as Write
  }

const state =
  (from: string, to: string): Change =>
  (write) =>
    write.key.kind === 'BlockAffinity' && write.op !== 'delete' && 'state' in write.value
      ? ({
          ...write,
          value: { ...write.value, state: write.value.state === from ? to : write.value.state },
        } as Write)
      : write

const firstTaken = (one: Block): number => one.allocations.findIndex((index) => index !== null)

const freeingFirst = (one: Block, old: Block | undefined): Block => {
  const ordinal = firstTaken(one)
  const isRelease = old !== undefined && old.unallocated.length < one.unallocated.length
  const index = one.allocations[ordinal]
  if (!isRelease || index === undefined || one.allocations.filter((i) => i === index).length > 1)
    return one
  const allocations = one.allocations.map((i, o) =>
    i === null || o === ordinal ? null : i > (index as number) ? i - 1 : i,
  )
  const attributes = one.attributes.filter((_, i) => i !== index)
  return { ...one, allocations, attributes, unallocated: [...one.unallocated, ordinal] }
}

const both = (name: string, change: Change): Mutant[] =>
  (['etcd', 'kubernetes'] as const).map((mode) => ({ name, mode, wrap: changing(change) }))
const onKubernetes = (name: string, change: Change, isReversed = false): Mutant => ({
  name,
  mode: 'kubernetes',
  wrap: changing(change, isReversed),
})

export const mutants: ReadonlyArray<Mutant> = [
  ...both('block update without compare', blindly('Block', 'update')),
  ...both('block create over an existing one', blindly('Block', 'create')),
  ...both('block update forgotten', dropping('Block', 'update')),
  {
    name: 'block delete forgotten',
    mode: 'etcd',
    wrap: changing(dropping('Block', 'delete')),
  },
  ...both('handle create forgotten', dropping('Handle', 'create')),
  ...both('handle delete forgotten', dropping('Handle', 'delete')),
  ...both(
    'handle counts one too many',
    handle((count) => count + 1),
  ),
  ...both(
    'sequence number stands still',
    block((next, old) => ({ ...next, sequenceNumber: old?.sequenceNumber ?? next.sequenceNumber })),
  ),
  ...both(
    'sequence number goes back',
    block((next) => ({ ...next, sequenceNumber: next.sequenceNumber - 5n })),
  ),
  ...both(
    'taken ordinal stays queued',
    block((next, old) => (old === undefined ? next : { ...next, unallocated: old.unallocated })),
  ),
  ...both(
    'freed ordinal queued twice',
    block((next) => ({
      ...next,
      unallocated: [...next.unallocated, ...next.unallocated.slice(0, 1)],
    })),
  ),
  ...both(
    'free ordinal lost',
    block((next) => ({ ...next, unallocated: next.unallocated.slice(1) })),
  ),
  ...both(
    'attribute dropped',
    block((next) => ({ ...next, attributes: next.attributes.slice(1) })),
  ),
  ...both(
    'attribute never dropped',
    block((next) => ({ ...next, attributes: [...next.attributes, {}] })),
  ),
  ...both('release frees a neighbour too', block(freeingFirst)),
  ...both(
    'allocation without its handle',
    block((next) => ({
      ...next,
      attributes: next.attributes.map(({ handleID: _, ...rest }) => rest),
    })),
  ),
  ...(['etcd', 'kubernetes'] as const).flatMap((mode): Mutant[] => [
    { name: 'a conflict is taken for success', mode, wrap: ignoring('Conflict') },
    { name: 'an unknown outcome is taken for success', mode, wrap: ignoring('OutcomeUnknown') },
    { name: 'unavailable is taken for success', mode, wrap: ignoring('Unavailable') },
  ]),
  onKubernetes('affinity confirmed before its block', state('pending', 'confirmed')),
  onKubernetes('affinity not marked before its block goes', state('pendingDeletion', 'confirmed')),
  onKubernetes('writes in the opposite order', (write) => write, true),
]
