// Pools with fewer blocks than nodes: every address is given out, wherever its block belongs, and what
// an owner leaves serves the others.
import { isRight } from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import { autoAssign } from '../../src/operations/auto-assign.ts'
import type { Deps } from '../../src/operations/deps.ts'
import { releaseByHandle } from '../../src/operations/release-by-handle.ts'
import {
  affinityFaultsOf,
  assignRequest,
  faultsOf,
  ok,
  poolOf,
  type World,
  worldOf,
} from './world.ts'

const nodes = Array.from({ length: 50 }, (_, i) => `n${i}`)
const podsPerNode = 4

/** 128 + 64 + 8 addresses in four blocks: most nodes can never own one. */
const pools = [
  poolOf('10.1.0.0/25', 26, { name: 'large' }),
  poolOf('10.2.0.0/26', 26, { name: 'middle' }),
  poolOf('10.3.0.0/29', 29, { name: 'small' }),
]
/** Addresses here are of no use to the service. */
const foreign = poolOf('10.9.0.0/16', 26, { name: 'foreign' })

const cidrs = pools.map(({ cidr }) => cidr)

const requestOf = (pod: number) =>
  assignRequest({
    host: nodes[pod % nodes.length] as string,
    handleID: `pod-${pod}`,
    ipv4Pools: cidrs,
    maxAllocToHandlePerIPVersion: 1,
  })

/** Pauses that let the others work, and that are not alike for everybody. */
const competing = ({ deps }: World): Deps => {
  let seed = 1
  return {
    ...deps,
    clock: { ...deps.clock, sleep: (ms) => new Promise((awake) => setTimeout(awake, ms / 10)) },
    random: {
      next: () => {
        seed = (seed * 48_271) % 2_147_483_647
        return seed / 2_147_483_647
      },
    },
  }
}

const startAll = async (
  deps: Deps,
  pods: ReadonlyArray<number>,
): Promise<ReadonlyArray<string>> => {
  const outcomes = await Promise.all(pods.map((pod) => autoAssign(deps, requestOf(pod))()))
  return outcomes.flatMap((one) =>
    isRight(one) ? (one.right.v4?.ips ?? []) : [`${one.left.family}`],
  )
}

const allPods = Array.from({ length: nodes.length * podsPerNode }, (_, pod) => pod)
const bare = (ips: ReadonlyArray<string>) => ips.map((cidr) => cidr.split('/')[0] as string)

describe.each([
  ['atomic', true],
  ['one write at a time', false],
])('%s', (_, atomic) => {
  const place = () => worldOf({ atomic, nodes, pools: [...pools, foreign] })

  test('200 pods at once on 200 addresses: each gets one, and no affinity is left half done', async () => {
    const world = await place()
    const ips = bare(await startAll(competing(world), allPods))
    expect(ips).toHaveLength(200)
    expect(new Set(ips).size).toBe(200)
    expect(ips.filter((ip) => !/^10\.[123]\./.test(ip))).toEqual([])
    expect(await faultsOf(world)).toEqual([])
    expect(await affinityFaultsOf(world)).toEqual([])
    const tooMany = await ok(autoAssign(world.deps, requestOf(200)))
    expect(tooMany.v4?.ips).toEqual([])
  })

  test('nodes that own the blocks have no pods left: their addresses serve the others', async () => {
    const world = await place()
    const deps = competing(world)
    await startAll(deps, allPods)
    // Nodes 0 to 24 are drained; their blocks stay theirs as long as others borrow from them.
    const moved = allPods.filter((pod) => pod % nodes.length < 25)
    for (const pod of moved) await ok(releaseByHandle(deps, `pod-${pod}`))
    const elsewhere = moved.map((pod) => pod + 25)
    const outcomes = await Promise.all(
      elsewhere.map((pod) => autoAssign(deps, { ...requestOf(pod), handleID: `moved-${pod}` })()),
    )
    const ips = outcomes.flatMap((one) => (isRight(one) ? (one.right.v4?.ips ?? []) : []))
    expect(new Set(bare(ips)).size).toBe(100)
    expect(await faultsOf(world)).toEqual([])
  })

  test('with strict affinity nobody borrows, and addresses stay behind', async () => {
    const world = await worldOf({ atomic, nodes, pools, config: { strictAffinity: true } })
    const ips = await startAll(competing(world), allPods)
    // Four blocks, so four nodes.
    expect(ips).toHaveLength(4 * podsPerNode)
    expect(await faultsOf(world)).toEqual([])
  })
})

/** Within each step of Calico's search (own blocks, new blocks, borrowing) the list decides. */
describe('the order of the pools', () => {
  const [a, b] = [poolOf('10.1.0.0/24', 26), poolOf('10.2.0.0/26', 26)]
  const listed = [b.cidr, a.cidr]
  const firstOf = async (world: World, handleID: string, host = 'n1', ipv4Pools = listed) => {
    const { v4 } = await ok(
      autoAssign(world.deps, assignRequest({ handleID, host, ipv4Pools, attrs: { node: host } })),
    )
    return v4?.ips[0]?.split('.')[1]
  }

  test('a new block comes from the first pool', async () => {
    expect(await firstOf(await worldOf({ pools: [a, b] }), 'x')).toBe('2')
  })

  test('a block of the node’s own goes first, whichever pool it is in', async () => {
    const world = await worldOf({ pools: [a, b] })
    expect(await firstOf(world, 'x', 'n1', [a.cidr])).toBe('1')
    expect(await firstOf(world, 'y')).toBe('1')
  })

  test('a new block of a later pool goes before borrowing in the first', async () => {
    const world = await worldOf({ pools: [a, b] })
    expect(await firstOf(world, 'x', 'n2', [b.cidr])).toBe('2')
    expect(await firstOf(world, 'y')).toBe('1')
  })
})
