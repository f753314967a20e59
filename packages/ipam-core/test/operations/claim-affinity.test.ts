import { describe, expect, test } from 'vitest'
import type { AffinityOwner } from '../../src/ipam.ts'
import { autoAssign } from '../../src/operations/auto-assign.ts'
import { claimAffinity } from '../../src/operations/claim-affinity.ts'
import { Killed, killedAfter } from './faults.ts'
import {
  affinityFaultsOf,
  blockWith,
  ok,
  poolOf,
  put,
  refused,
  assignRequest as request,
  valuesOf,
  worldOf,
} from './world.ts'

const n1: AffinityOwner = { type: 'host', host: 'n1' }
const all = ['10.0.0.0/30', '10.0.0.4/30', '10.0.0.8/30', '10.0.0.12/30']

describe.each([true, false])('atomic commits: %s', (atomic) => {
  const world = () => worldOf({ atomic, pools: [poolOf('10.0.0.0/28', 30)] })

  test('every block of the CIDR, empty and confirmed', async () => {
    const at = await world()
    expect(await ok(claimAffinity(at.deps, '10.0.0.9/28', n1))).toEqual({
      claimed: all,
      failed: [],
    })
    expect(await affinityFaultsOf(at)).toEqual([])
    expect((await valuesOf(at, 'Block')).every((one) => one.unallocated.length === 4)).toBe(true)
    const own = await ok(claimAffinity(at.deps, '10.0.0.0/28', n1))
    expect(own).toEqual({ claimed: all, failed: [] })
  })

  test('blocks of others, and of nobody, are reported and stay', async () => {
    const at = await world()
    await put(at, { kind: 'Block', cidr: all[1] as string }, blockWith(all[1] as string, 'host:n2'))
    const { affinity: _, affinityClaimTime: __, ...free } = blockWith(all[2] as string, 'host:n2')
    await put(at, { kind: 'Block', cidr: free.cidr }, free)
    const stale = { type: 'host', host: 'n1', cidr: all[1] as string, state: 'pending' } as const
    await put(at, { kind: 'BlockAffinity', ...stale }, stale)
    expect(await ok(claimAffinity(at.deps, '10.0.0.0/28', n1))).toEqual({
      claimed: [all[0], all[3]],
      failed: [all[1], all[2]],
    })
    expect(await affinityFaultsOf(at)).toEqual([])
  })

  test.each(['pending', 'pendingDeletion', ''] as const)(
    'an own block whose affinity is %j is confirmed',
    async (state) => {
      const at = await world()
      const cidr = all[0] as string
      await put(at, { kind: 'Block', cidr }, blockWith(cidr, 'host:n1'))
      const value = { ...n1, cidr, state }
      await put(at, { kind: 'BlockAffinity', ...value }, value)
      expect((await ok(claimAffinity(at.deps, cidr, n1))).claimed).toEqual([cidr])
      expect(await affinityFaultsOf(at)).toEqual([])
    },
  )

  test('two owners at once share the blocks without a quarrel', async () => {
    const at = await world()
    const [a, b] = await Promise.all([
      ok(claimAffinity(at.deps, '10.0.0.0/28', n1)),
      ok(claimAffinity(at.deps, '10.0.0.0/28', { type: 'virtual', host: 'load-balancer' })),
    ])
    expect([...a.claimed, ...b.claimed].sort()).toEqual([...all].sort())
    expect(await affinityFaultsOf(at)).toEqual([])
  })

  test('killed between any two writes: claimed by asking again, or by the next assignment', async () => {
    for (let writes = 0; ; writes += 1) {
      const at = await world()
      const isDone = await claimAffinity(killedAfter(at, writes), '10.0.0.0/29', n1)()
        .then(() => true)
        .catch((error: unknown) => {
          if (error instanceof Killed) return false
          throw error
        })
      if (writes % 2 === 0) await ok(claimAffinity(at.deps, '10.0.0.0/29', n1))
      else await ok(autoAssign(at.deps, request({ num4: 16 })))
      expect(await affinityFaultsOf(at)).toEqual([])
      if (isDone) return
    }
  })
})

test.each([
  [
    'in no pool',
    '10.9.0.0/24',
    'The requested CIDR (10.9.0.0/24) is not within any configured pools.',
  ],
  [
    'larger than its pool',
    '10.0.0.0/16',
    'The requested CIDR (10.0.0.0/16) is not within any configured pools.',
  ],
  [
    'smaller than a block',
    '10.0.0.0/31',
    'The requested CIDR (10.0.0.0/31) is smaller than the minimum.',
  ],
  ['no CIDR', '10.0.0.0', "'10.0.0.0' is not a CIDR (an IP address, '/', and a prefix length)"],
  ['too large', 'fd00::/64', 'The requested CIDR (fd00::/64) has more than 16384 blocks'],
])('refused: %s', async (_, cidr, message) => {
  const at = await worldOf({ pools: [poolOf('10.0.0.0/28', 30), poolOf('fd00::/64', 122)] })
  expect((await refused(claimAffinity(at.deps, cidr, n1))).message).toBe(message)
  expect(await valuesOf(at, 'BlockAffinity')).toEqual([])
})
