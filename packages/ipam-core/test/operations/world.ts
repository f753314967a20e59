/** A small cluster for tests: a datastore, pools, nodes, a clock that only moves when told to. */
import { isLeft } from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { newBlock } from '../../src/decisions/block-changes.ts'
import { type IPAMError, tagOf } from '../../src/errors.ts'
import { trustedCIDR } from '../../src/ip/index.ts'
import type { AutoAssignRequest } from '../../src/ipam.ts'
import { defaultLimits, type Limits } from '../../src/limits.ts'
import { MemoryStore } from '../../src/memory/index.ts'
import type { Block } from '../../src/model/block.ts'
import { checkInvariants } from '../../src/model/block-laws.ts'
import type { IPPool } from '../../src/model/ip-pool.ts'
import { defaultIPAMConfig, type IPAMConfig } from '../../src/model/ipam-config.ts'
import type { Deps } from '../../src/operations/deps.ts'
import type {
  Datastore,
  Key,
  KeyValue,
  Kind,
  List,
  Observation,
  Query,
  Values,
  Write,
} from '../../src/ports/index.ts'
import { keyText } from '../../src/ports/index.ts'

export const second = 1_000_000_000n
export const startOfTime = 1_785_578_400n * second

export const poolOf = (cidr: string, blockSize: number, change: Partial<IPPool> = {}): IPPool => ({
  name: `pool-${cidr.replaceAll(/[^0-9a-f]/g, '-')}`,
  cidr,
  blockSize,
  disabled: false,
  terminating: false,
  allocatable: true,
  nodeSelector: 'all()',
  allowedUses: ['Workload', 'Tunnel'],
  assignmentMode: 'Automatic',
  ipipMode: 'Never',
  vxlanMode: 'Never',
  natOutgoing: false,
  disableBGPExport: false,
  ...change,
})

export const assignRequest = (change: Partial<AutoAssignRequest> = {}): AutoAssignRequest => ({
  num4: 1,
  handleID: 'h1',
  attrs: { node: change.host ?? 'n1' },
  host: 'n1',
  intendedUse: 'Workload',
  ...change,
})

/** A block without allocations. */
export const blockWith = (cidr: string, affinity: string, now = startOfTime): Block =>
  newBlock({ cidr: trustedCIDR(cidr), affinity, now })

export interface World {
  /** A second client, whose calls are not recorded. */
  readonly store: Datastore
  readonly deps: Deps
  /** Every read and commit since the last `reset`, in order. */
  readonly calls: Call[]
  now: bigint
}

/** `Write` counts one wait where commits are not atomic: each of its writes is a request then. */
export type Call =
  | { readonly tag: 'Read'; readonly queries: ReadonlyArray<Query> }
  | { readonly tag: 'Commit'; readonly writes: ReadonlyArray<Write> }

/** Sequential waits on the datastore. */
export const waitsOf = (world: World): number =>
  world.calls.reduce((sum, call) => {
    if (call.tag === 'Read') return sum + 1
    return sum + (world.store.capabilities.atomicCommit ? 1 : call.writes.length)
  }, 0)

const recording = (store: Datastore, calls: Call[]): Datastore => ({
  ...store,
  read: (queries, options) => async () => {
    calls.push({ tag: 'Read', queries })
    return store.read(queries, options)()
  },
  commit: (writes, options) => async () => {
    calls.push({ tag: 'Commit', writes })
    return store.commit(writes, options)()
  },
})

/** Stores an object as if somebody else had written it. */
export const put = async <K extends Kind>(
  world: World,
  key: Key<K>,
  value: Values[K],
): Promise<void> => {
  const found = await ok(world.store.read([{ get: key as Key }]))
  const revision = found[0]?.revision
  const op = revision === undefined ? 'create' : 'update'
  await ok(world.store.commit([{ op, key, value, revision } as unknown as Write]))
}

export const remove = async (world: World, key: Key): Promise<void> => {
  const [found] = await ok(world.store.read([{ get: key }]))
  if (found === undefined) throw new Error(`${keyText(key)} is not there`)
  await ok(world.store.commit([{ op: 'delete', key, revision: found.revision } as Write]))
}

export interface WorldOptions {
  readonly atomic?: boolean
  readonly pools?: ReadonlyArray<IPPool>
  readonly nodes?: ReadonlyArray<string>
  readonly config?: Partial<IPAMConfig>
  readonly reserved?: ReadonlyArray<string>
  readonly limits?: Partial<Limits>
  readonly observe?: (observation: Observation) => void
}

export const worldOf = async (options: WorldOptions = {}): Promise<World> => {
  const memory = new MemoryStore({ atomicCommit: options.atomic ?? true })
  const store = memory.open()
  const calls: Call[] = []
  const world: World = {
    store,
    calls,
    now: startOfTime,
    deps: {
      datastore: recording(memory.open(), calls),
      clock: {
        now: () => {
          world.now += 1000n
          return world.now
        },
        sleep: async (ms) => {
          world.now += BigInt(Math.ceil(ms)) * 1_000_000n
        },
      },
      random: { next: () => 0.5 },
      observe: options.observe ?? (() => {}),
      limits: { ...defaultLimits, ...options.limits },
      callOptions: {},
    },
  }
  for (const pool of options.pools ?? [poolOf('10.0.0.0/24', 28)]) {
    await put(world, { kind: 'IPPool', name: pool.name }, pool)
  }
  for (const name of options.nodes ?? ['n1', 'n2', 'n3']) {
    await put(world, { kind: 'Node', name }, { name, labels: { host: name } })
  }
  if (options.config) {
    await put(world, { kind: 'IPAMConfig' }, { ...defaultIPAMConfig, ...options.config })
  }
  if (options.reserved) {
    const value = { name: 'r', reservedCIDRs: options.reserved }
    await put(world, { kind: 'IPReservation', name: 'r' }, value)
  }
  return world
}

export const valuesOf = async <K extends Kind>(
  world: World,
  kind: K,
): Promise<ReadonlyArray<Values[K]>> => {
  const [found] = await ok(world.store.read([{ list: kind } as List]))
  return (found as ReadonlyArray<KeyValue>).map(({ value }) => value as Values[K])
}

export const ok = async <A>(task: TaskEither<unknown, A>): Promise<A> => {
  const result = await task()
  if (isLeft(result)) throw new Error(JSON.stringify(result.left, bigints))
  return result.right
}

/** How it ended: `ok`, or the tag of the error. */
export const tagsOf = async (task: TaskEither<IPAMError, unknown>): Promise<string> => {
  const result = await task()
  return isLeft(result) ? tagOf(result.left) : 'ok'
}

export const refused = async (task: TaskEither<IPAMError, unknown>) => {
  const result = await task()
  if (!isLeft(result)) throw new Error(`not refused: ${JSON.stringify(result.right, bigints)}`)
  if (result.left.family !== 'refusal') throw new Error(JSON.stringify(result.left, bigints))
  return result.left.refusal
}

const bigints = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? String(value) : value

const handlesIn = (block: Block): string[] =>
  block.allocations.flatMap((index) => {
    const handle = index === null ? undefined : block.attributes[index]?.handleID
    return handle === undefined || handle.startsWith('windows') ? [] : [handle]
  })

/** What is wrong with everything stored: broken blocks, and handles that do not count exactly. */
export const faultsOf = async (world: World): Promise<string[]> => {
  const blocks = await valuesOf(world, 'Block')
  const faults = blocks.flatMap((block) => checkInvariants(block))
  const counted = new Map<string, number>()
  for (const block of blocks) {
    for (const handle of handlesIn(block)) {
      const name = `${handle} in ${block.cidr}`
      counted.set(name, (counted.get(name) ?? 0) + 1)
    }
  }
  for (const handle of await valuesOf(world, 'Handle')) {
    for (const [cidr, count] of Object.entries(handle.blocks)) {
      const name = `${handle.id} in ${cidr}`
      if (counted.get(name) !== count) faults.push(`${name}: ${count}, not ${counted.get(name)}`)
      counted.delete(name)
    }
  }
  return [...faults, ...[...counted.keys()].map((name) => `${name}: allocated but not counted`)]
}

/** Affinities and blocks that disagree, or are not confirmed. */
export const affinityFaultsOf = async (world: World): Promise<string[]> => {
  const owners = new Map(
    (await valuesOf(world, 'Block')).map(({ cidr, affinity }) => [cidr, affinity]),
  )
  return (await valuesOf(world, 'BlockAffinity')).flatMap(({ type, host, cidr, state }) => {
    const isRight = owners.get(cidr) === `${type}:${host}` && state === 'confirmed'
    return isRight ? [] : [`${type}:${host} ${cidr} ${state}, block of ${owners.get(cidr)}`]
  })
}
