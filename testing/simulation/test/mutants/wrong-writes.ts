/**
 * Deliberate bugs, one at a time, as wrappers around the datastore of every process: what a careless
 * decision or adapter would have written, or would not have read.
 */
import type {
  Datastore,
  Key,
  KeyValue,
  Kind,
  Revision,
  Values,
  Write,
} from '@hc-calico/ipam-core/ports'
import type { Mutant } from './mutant.ts'

type Block = Values['Block']
type Change = (write: Write, current: KeyValue | undefined) => Write | undefined

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

/** Every answer to a get of this kind passes `edit`; lists of it do too. */
const misreading =
  <K extends Kind>(kind: K, edit: (value: Values[K]) => Values[K] | undefined) =>
  (datastore: Datastore): Datastore => ({
    ...datastore,
    read: (queries, options) => async () => {
      const found = await datastore.read(queries, options)()
      if (found._tag === 'Left') return found
      const read = (one: KeyValue | undefined): KeyValue | undefined => {
        if (one?.key.kind !== kind) return one
        const value = edit(one.value as Values[K])
        return value === undefined ? undefined : ({ ...one, value } as KeyValue)
      }
      const answers = (found.right as ReadonlyArray<unknown>).map((answer) =>
        Array.isArray(answer) ? answer.map(read).filter(Boolean) : read(answer as never),
      )
      return { _tag: 'Right', right: answers as never }
    },
  })

const onBoth = (name: string, change: Change): Mutant => ({
  name,
  modes: ['etcd', 'kubernetes'],
  parts: { datastore: changing(change) },
})
const onKubernetes = (name: string, change: Change, isReversed = false): Mutant => ({
  name,
  modes: ['kubernetes'],
  parts: { datastore: changing(change, isReversed) },
})
const wrapped = (name: string, datastore: (one: Datastore) => Datastore): Mutant => ({
  name,
  modes: ['etcd', 'kubernetes'],
  parts: { datastore },
})

/** Where a block was to lose its owner, it goes with everything in it. */
const deletedWithAddresses: Change = (write, current) => {
  if (write.op !== 'update' || write.key.kind !== 'Block' || current === undefined) return write
  const [next, old] = [write.value as Block, current.value as Block]
  const isGivenBack = old.affinity !== undefined && next.affinity === undefined
  return isGivenBack ? { op: 'delete', key: write.key, revision: write.revision } : write
}

export const wrongWrites: ReadonlyArray<Mutant> = [
  onBoth('block update without compare', blindly('Block', 'update')),
  onBoth('block create over an existing one', blindly('Block', 'create')),
  onBoth('block update forgotten', dropping('Block', 'update')),
  onBoth('block delete forgotten', dropping('Block', 'delete')),
  onBoth('handle create forgotten', dropping('Handle', 'create')),
  onBoth('handle delete forgotten', dropping('Handle', 'delete')),
  onBoth('handle not decremented', dropping('Handle', 'update')),
  onBoth(
    'handle counts one too many',
    handle((count) => count + 1),
  ),
  { ...onBoth('affinity create forgotten', dropping('BlockAffinity', 'create')), modes: ['etcd'] },
  onBoth('affinity delete forgotten', dropping('BlockAffinity', 'delete')),
  onBoth('block deleted with addresses in it', deletedWithAddresses),
  onBoth(
    'sequence number stands still',
    block((next, old) => ({ ...next, sequenceNumber: old?.sequenceNumber ?? next.sequenceNumber })),
  ),
  onBoth(
    'sequence number goes back',
    block((next) => ({ ...next, sequenceNumber: next.sequenceNumber - 5n })),
  ),
  onBoth(
    'taken ordinal stays queued',
    block((next, old) => (old === undefined ? next : { ...next, unallocated: old.unallocated })),
  ),
  onBoth(
    'freed ordinal queued twice',
    block((next) => ({
      ...next,
      unallocated: [...next.unallocated, ...next.unallocated.slice(0, 1)],
    })),
  ),
  onBoth(
    'free ordinal lost',
    block((next) => ({ ...next, unallocated: next.unallocated.slice(1) })),
  ),
  onBoth(
    'attribute dropped',
    block((next) => ({ ...next, attributes: next.attributes.slice(1) })),
  ),
  onBoth(
    'attribute never dropped',
    block((next) => ({ ...next, attributes: [...next.attributes, {}] })),
  ),
  onBoth('release frees a neighbour too', block(freeingFirst)),
  onBoth(
    'allocation without its handle',
    block((next) => ({
      ...next,
      attributes: next.attributes.map(({ handleID: _, ...rest }) => rest),
    })),
  ),
  wrapped('a conflict is taken for success', ignoring('Conflict')),
  wrapped('an unknown outcome is taken for success', ignoring('OutcomeUnknown')),
  wrapped('unavailable is taken for success', ignoring('Unavailable')),
  wrapped(
    'cooldown is not looked at',
    misreading('IPAMConfig', (config) => ({ ...config, ipCooldownSeconds: 0 })),
  ),
  wrapped(
    'reservations are not looked at',
    misreading('IPReservation', () => undefined),
  ),
  wrapped(
    'a disabled pool is used',
    misreading('IPPool', (pool) => ({ ...pool, disabled: false })),
  ),
  onKubernetes('affinity confirmed before its block', state('pending', 'confirmed')),
  onKubernetes('affinity not marked before its block goes', state('pendingDeletion', 'confirmed')),
  onKubernetes('writes in the opposite order', (write) => write, true),
]
