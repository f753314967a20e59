/**
 * An allocator that follows Calico's own order of reads and writes: the handle first, then the
 * block, a hundred retries, the handle back when the block was lost. It uses blocks its node owns
 * and otherwise borrows from any that has room; our allocators claim the blocks.
 */
import type { Datastore, Key, KeyValue, Write } from '@hc-calico/ipam-core/ports'
import type { Hands } from '../attempt.ts'
import type { Sandbox } from '../truth/sandboxes.ts'
import { simulatedFailure } from './simulated-failure.ts'
import {
  type Attribute,
  type Block,
  collectCold,
  firstFree,
  ordinalsWhere,
  withAllocation,
  withoutOrdinals,
} from './upstream-block.ts'

const retriesMax = 100

const get = async <K extends Key>(datastore: Datastore, key: K) => {
  const found = await datastore.read([{ get: key as Key }])()
  if (found._tag === 'Left') throw simulatedFailure(found.left.message)
  return found.right[0] as KeyValue<K['kind']> | undefined
}

/** Whether the write was done; anything but a lost race ends the operation. */
const write = async (datastore: Datastore, one: Write): Promise<boolean> => {
  const result = await datastore.commit([one])()
  if (result._tag === 'Right') return true
  const { tag, message } = result.left.error
  if (tag === 'Conflict' || tag === 'AlreadyExists' || tag === 'NotFound') return false
  throw simulatedFailure(message)
}

/** Adds to what the handle counts in a block; at zero the entry goes, and with the last one the handle. */
const changeHandle = async (
  datastore: Datastore,
  id: string,
  cidr: string,
  by: number,
): Promise<void> => {
  const key = { kind: 'Handle', id } as const
  for (let i = 0; i < retriesMax; i += 1) {
    const found = await get(datastore, key)
    const { [cidr]: before = 0, ...others } = found?.value.blocks ?? {}
    if (before + by < 0) return
    const blocks = before + by === 0 ? others : { ...others, [cidr]: before + by }
    const value = { ...found?.value, id, blocks }
    const next: Write =
      found === undefined
        ? { op: 'create', key, value }
        : Object.keys(blocks).length === 0
          ? { op: 'delete', key, revision: found.revision }
          : { op: 'update', key, value, revision: found.revision }
    if (await write(datastore, next)) return
  }
  throw simulatedFailure('handle: retries exhausted')
}

const updated = ({ key, revision }: KeyValue<'Block'>, value: Block): Write => ({
  op: 'update',
  key,
  value,
  revision,
})

const cooldownIn = async (datastore: Datastore): Promise<number> =>
  (await get(datastore, { kind: 'IPAMConfig' } as const))?.value.ipCooldownSeconds ?? 0

const assignIn = async (
  { datastore, process }: Hands,
  cidr: string,
  { handle, node, pod }: Sandbox,
  cooldownSeconds: number,
): Promise<string | undefined> => {
  for (let i = 0; i < retriesMax; i += 1) {
    const found = await get(datastore, { kind: 'Block', cidr } as const)
    if (found === undefined) return undefined
    const block = collectCold(found.value, process.clock.now(), cooldownSeconds)
    const ordinal = firstFree(block)
    if (ordinal === undefined) return undefined
    await changeHandle(datastore, handle, cidr, 1)
    const secondary = { node, pod, namespace: 'default' }
    const next = withAllocation(block, ordinal, { handleID: handle, secondary })
    if (await write(datastore, updated(found, next.block))) return next.address
    await changeHandle(datastore, handle, cidr, -1)
  }
  throw simulatedFailure('block: retries exhausted')
}

/** One address of a pool that is enabled; none when everything is full. */
export const upstreamAssign = async (
  hands: Hands,
  sandbox: Sandbox,
): Promise<ReadonlyArray<string>> => {
  const { datastore } = hands
  const cooldownSeconds = await cooldownIn(datastore)
  const listed = await datastore.read([{ list: 'Block', where: { family: 4 } }])()
  if (listed._tag === 'Left') throw simulatedFailure(listed.left.message)
  const [blocks] = listed.right
  const isOwn = ({ value }: KeyValue<'Block'>) => value.affinity === `host:${sandbox.node}`
  for (const { value } of [...blocks.filter(isOwn), ...blocks.filter((one) => !isOwn(one))]) {
    if (!value.cidr.startsWith('10.0.0.')) continue // the one pool that is never touched
    const address = await assignIn(hands, value.cidr, sandbox, cooldownSeconds)
    if (address !== undefined) return [address]
  }
  return []
}

interface Freeing {
  readonly cidr: string
  /** Whose handle counts it. */
  readonly handle: string
  readonly wanted: (attribute: Attribute, ordinal: number, block: Block) => boolean
}

/** A block without some of its addresses, then the handle with as many less. */
export const freeIn = async (
  { datastore, process }: Hands,
  { cidr, handle, wanted }: Freeing,
): Promise<void> => {
  const cooldownSeconds = await cooldownIn(datastore)
  for (let i = 0; i < retriesMax; i += 1) {
    const stored = await get(datastore, { kind: 'Block', cidr } as const)
    if (stored === undefined) return
    const now = process.clock.now()
    const block = collectCold(stored.value, now, cooldownSeconds)
    const ordinals = ordinalsWhere(block, (attribute, o) => wanted(attribute, o, block))
    if (ordinals.length === 0) return
    const next = withoutOrdinals(block, ordinals, now, cooldownSeconds)
    const { key, revision } = stored
    const isLast = next.attributes.length === 0 && next.affinity === undefined
    const last: Write = { op: 'delete', key, revision }
    if (!(await write(datastore, isLast ? last : updated(stored, next)))) continue
    await changeHandle(datastore, handle, cidr, -ordinals.length)
    return
  }
  throw simulatedFailure('release: retries exhausted')
}

/** Calico's release by handle: each block first, then the handle. A missing handle is success. */
export const upstreamRelease = async (hands: Hands, handle: string): Promise<void> => {
  const found = await get(hands.datastore, { kind: 'Handle', id: handle } as const)
  for (const cidr of Object.keys(found?.value.blocks ?? {})) {
    await freeIn(hands, { cidr, handle, wanted: ({ handleID }) => handleID === handle })
  }
}
