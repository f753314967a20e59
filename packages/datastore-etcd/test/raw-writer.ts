/**
 * A process that takes addresses as upstream's allocator does, one request at a time: read the
 * block, read and write the handle, compare the block's mod revision and put. It shares the
 * connection with our adapter, and nothing else.
 *
 *   node raw-writer.ts ENDPOINT COUNT HOST...   prints `handle address` per line
 */
import { parseJSON, stringifyJSON } from '@hc-calico/crd-types/json'
import { createLeanTransport } from '../src/lean-transport.ts'
import { checkedOptions } from '../src/options.ts'
import type { StoredPair } from '../src/transport.ts'

const [endpoint = '', count = '0', ...hosts] = process.argv.slice(2)
const ipam = '/calico/ipam/v2'
const attemptsMax = 1_000

interface StoredBlock {
  readonly cidr: string
  readonly allocations: ReadonlyArray<number | null>
  readonly unallocated: ReadonlyArray<number>
  readonly attributes: ReadonlyArray<object> | null
  readonly sequenceNumber: bigint
  readonly sequenceNumberForAllocation: Readonly<Record<string, bigint>>
}

const transport = createLeanTransport(checkedOptions({ endpoints: [endpoint] }))

const get = async (key: string, end?: string): Promise<ReadonlyArray<StoredPair>> => {
  const range = end === undefined ? { key } : { key, end }
  const transaction = { compare: [], success: [{ tag: 'Range', range } as const], failure: [] }
  return (await transport.transact(transaction, { isReadOnly: true })).found[0] ?? []
}

/** Compare and put; whether it was put. */
const put = async (key: string, value: unknown, modRevision: bigint): Promise<boolean> => {
  const success = [{ tag: 'Put', key, value: stringifyJSON(value) } as const]
  const transaction = { compare: [{ key, modRevision }], success, failure: [] }
  return (await transport.transact(transaction, { isReadOnly: false })).succeeded
}

/** The block with its first free address taken. */
const taken = (block: StoredBlock, ordinal: number, handle: string): StoredBlock => {
  const attributes = [...(block.attributes ?? []), { handle_id: handle }]
  const index = attributes.length - 1
  return {
    ...block,
    allocations: block.allocations.map((now, at) => (at === ordinal ? index : now)),
    unallocated: block.unallocated.slice(1),
    attributes,
    sequenceNumber: block.sequenceNumber + 1n,
    sequenceNumberForAllocation: {
      ...block.sequenceNumberForAllocation,
      [ordinal]: block.sequenceNumber,
    },
  }
}

const addressOf = (cidr: string, ordinal: number): string => {
  const octets = (cidr.split('/')[0] ?? '').split('.').map(Number)
  return [...octets.slice(0, 3), (octets[3] ?? 0) + ordinal].join('.')
}

const increment = async (handle: string, cidr: string): Promise<void> => {
  const key = `${ipam}/handle/${handle}`
  const [stored] = await get(key)
  await put(key, { block: { [cidr]: 1 }, deleted: false }, stored?.modRevision ?? 0n)
}

/** Tries a block; undefined when it is full or somebody was faster. */
const assignFrom = async (key: string, handle: string): Promise<string | undefined | 'full'> => {
  const [stored] = await get(key)
  const block = stored && (parseJSON(stored.value) as StoredBlock)
  const ordinal = block?.unallocated[0]
  if (stored === undefined || block === undefined || ordinal === undefined) return 'full'
  await increment(handle, block.cidr)
  const isPut = await put(key, taken(block, ordinal, handle), stored.modRevision)
  return isPut ? addressOf(block.cidr, ordinal) : undefined
}

const assign = async (host: string, handle: string, open: string[]): Promise<string> => {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const [key] = open
    if (key === undefined) throw new Error(`no block of ${host} has room`)
    const address = await assignFrom(key, handle)
    if (address === 'full') open.shift()
    else if (address !== undefined) return address
  }
  throw new Error(`no address for ${handle}`)
}

const run = async (host: string): Promise<void> => {
  const prefix = `${ipam}/host/${host}/ipv4/block`
  const affinities = await get(`${prefix}/`, `${prefix}0`)
  const open = affinities.map(({ key }) => `${ipam}/assignment/ipv4/block/${key.split('/').at(-1)}`)
  for (let n = 0; n < Number(count); n += 1) {
    const handle = `raw.${host}.${n}`
    process.stdout.write(`${handle} ${await assign(host, handle, open)}\n`)
  }
}

await Promise.all(hosts.map(run))
await transport.close()
