/**
 * An allocator that follows Calico's own order of reads and writes: the handle first, then the
 * block, a hundred retries, the handle back when the block was lost. It uses blocks its node owns
 * and otherwise borrows from any that has room; our allocators claim the blocks.
 */

import { IPAMFailure } from '@hc-calico/ipam-core'
import type { Datastore, Key, KeyValue, Write } from '@hc-calico/ipam-core/ports'
import type { Block } from './upstream-block.ts'
import { collectCold, firstFree, withAllocation, withoutHandle } from './upstream-block.ts'

const retriesMax = 100

export const upstreamFailure = (message: string): IPAMFailure =>
  new IPAMFailure({
    family: 'exhausted',
    operation: 'upstream',
    error: {
      tag: 'RetriesExhausted',
      message,
      attempts: retriesMax,
      last: { tag: 'Conflict', message, retryable: true },
    },
  })

const get = async <K extends Key>(datastore: Datastore, key: K) => {
  const found = await datastore.read([{ get: key as Key }])()
  if (found._tag === 'Left') throw upstreamFailure(found.left.message)
  return found.right[0] as KeyValue<K['kind']> | undefined
}

/** Whether the write was done; anything but a lost race ends the operation. */
const write = async (datastore: Datastore, one: Write): Promise<boolean> => {
  const result = await datastore.commit([one])()
  if (result._tag === 'Right') return true
  const { tag, message } = result.left.error
  if (tag === 'Conflict' || tag === 'AlreadyExists' || tag === 'NotFound') return false
  throw upstreamFailure(message)
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
  throw upstreamFailure('handle: retries exhausted')
}

const updated = ({ key, revision }: KeyValue<'Block'>, value: Block): Write => ({
  op: 'update',
  key,
  value,
  revision,
})

export interface UpstreamRequest {
  readonly host: string
  readonly handle: string
  readonly now: () => bigint
  readonly cooldownSeconds: number
}

const assignIn = async (
  datastore: Datastore,
  cidr: string,
  { host, handle, now, cooldownSeconds }: UpstreamRequest,
): Promise<string | undefined> => {
  for (let i = 0; i < retriesMax; i += 1) {
    const found = await get(datastore, { kind: 'Block', cidr })
    if (found === undefined) return undefined
    const block = collectCold(found.value, now(), cooldownSeconds)
    const ordinal = firstFree(block)
    if (ordinal === undefined) return undefined
    await changeHandle(datastore, handle, cidr, 1)
    const next = withAllocation(block, ordinal, { handleID: handle, secondary: { node: host } })
    if (await write(datastore, updated(found, next.block))) return next.address
    await changeHandle(datastore, handle, cidr, -1)
  }
  throw upstreamFailure('block: retries exhausted')
}

export const upstreamAssign = async (
  datastore: Datastore,
  request: UpstreamRequest,
): Promise<string | undefined> => {
  const listed = await datastore.read([{ list: 'Block', where: { family: 4 } }])()
  if (listed._tag === 'Left') throw upstreamFailure(listed.left.message)
  const isOwn = ({ value }: KeyValue<'Block'>) => value.affinity === `host:${request.host}`
  const [blocks] = listed.right
  for (const { value } of [...blocks.filter(isOwn), ...blocks.filter((one) => !isOwn(one))]) {
    const address = await assignIn(datastore, value.cidr, request)
    if (address !== undefined) return address
  }
  return undefined
}

/** Calico's release by handle: each block first, then the handle. A missing handle is success. */
export const upstreamRelease = async (
  datastore: Datastore,
  { handle, now, cooldownSeconds }: UpstreamRequest,
): Promise<void> => {
  const found = await get(datastore, { kind: 'Handle', id: handle })
  for (const cidr of Object.keys(found?.value.blocks ?? {})) {
    for (let i = 0; ; i += 1) {
      if (i === retriesMax) throw upstreamFailure('release: retries exhausted')
      const stored = await get(datastore, { kind: 'Block', cidr })
      if (stored === undefined) break
      const next = withoutHandle(stored.value, handle, now(), cooldownSeconds)
      if (next.freed === 0) break
      const { key, revision } = stored
      const isLast = next.block.attributes.length === 0 && next.block.affinity === undefined
      const last: Write = { op: 'delete', key, revision }
      if (!(await write(datastore, isLast ? last : updated(stored, next.block)))) continue
      await changeHandle(datastore, handle, cidr, -next.freed)
      break
    }
  }
}
