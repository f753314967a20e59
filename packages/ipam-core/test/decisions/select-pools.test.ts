import { isLeft } from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import {
  enabledPools,
  type PoolRequest,
  poolOfAddress,
  poolOfCIDR,
  selectPools,
} from '../../src/decisions/select-pools.ts'
import { trustedCIDR, trustedIPAddress } from '../../src/ip/index.ts'
import type { IPPool } from '../../src/model/ip-pool.ts'
import { poolOf } from '../operations/world.ts'

const a = poolOf('10.0.0.0/16', 26, { name: 'a' })
const b = poolOf('10.1.0.0/16', 26, { name: 'b' })
const six = poolOf('fd00::/112', 122, { name: 'six' })

const request = (pools: ReadonlyArray<IPPool>, more: Partial<PoolRequest> = {}): PoolRequest => ({
  pools,
  family: 4,
  requested: [],
  use: 'Workload',
  host: 'n1',
  nodeLabels: { zone: 'east' },
  ...more,
})

const names = (one: PoolRequest) => {
  const selected = selectPools(one)
  if (isLeft(selected)) return `${selected.left.tag}: ${selected.left.message}`
  const { usable, selecting } = selected.right
  const list = (pools: ReadonlyArray<IPPool>) => pools.map((pool) => pool.name).join(' ')
  return { usable: list(usable), selecting: list(selecting) }
}

const both = (usable: string) => ({ usable, selecting: usable })

describe('without named pools', () => {
  test.each<[string, Partial<IPPool>, boolean]>([
    ['as it is', {}, true],
    ['disabled', { disabled: true }, false],
    ['going away', { terminating: true }, false],
    ['not allocatable', { allocatable: false }, false],
    ['without a CIDR that can be read', { cidr: 'nonsense' }, false],
    ['manual', { assignmentMode: 'Manual' }, false],
    ['selecting the node', { nodeSelector: 'zone == "east"' }, true],
    ['selecting other nodes', { nodeSelector: 'zone == "west"' }, false],
    ['selecting nodes without a label', { nodeSelector: '!has(zone)' }, false],
    ['empty selectors', { nodeSelector: '', namespaceSelector: '' }, true],
    ['selecting labelled namespaces', { namespaceSelector: 'has(team)' }, false],
    ['selecting other namespaces', { namespaceSelector: 'team != "x"' }, true],
    ['for load balancers', { allowedUses: ['LoadBalancer'] }, false],
    ['for tunnels', { allowedUses: ['Tunnel'] }, false],
    ['that does not say what for', { allowedUses: [] }, true],
  ])('a pool %s', (_, change, isUsable) => {
    const selected = selectPools(request([{ ...a, ...change }, b]))
    if (isLeft(selected)) throw new Error(selected.left.message)
    expect(selected.right.usable.map((pool) => pool.name)).toEqual(isUsable ? ['a', 'b'] : ['b'])
  })

  test('the other family does not count', () => {
    expect(names(request([a, six]))).toEqual(both('a'))
    expect(names(request([a, six], { family: 6 }))).toEqual(both('six'))
  })

  test('namespace labels decide when they are known', () => {
    const own = { ...a, namespaceSelector: 'team == "red"' }
    expect(names(request([own, b], { namespaceLabels: { team: 'red' } }))).toEqual(both('a b'))
    expect(names(request([own, b], { namespaceLabels: { team: 'blue' } }))).toEqual({
      usable: 'b',
      selecting: 'a b',
    })
  })

  test('blocks may stay in manual pools and in pools for another use, if they select the node', () => {
    const manual = { ...a, assignmentMode: 'Manual' } as const
    const west = poolOf('10.2.0.0/16', 26, { name: 'west', nodeSelector: 'zone == "west"' })
    expect(names(request([manual, b, west]))).toEqual({ usable: 'b', selecting: 'a b' })
  })

  test('a load balancer is on no node: only selectors that match no labels serve it', () => {
    const open = { ...a, allowedUses: ['LoadBalancer'] } as const
    const east = { ...b, allowedUses: ['LoadBalancer'], nodeSelector: 'has(zone)' } as const
    expect(names(request([open, east], { use: 'LoadBalancer' }))).toEqual(both('a'))
  })
})

describe('named pools', () => {
  const manualWest = {
    ...a,
    nodeSelector: 'zone == "west"',
    namespaceSelector: 'has(x)',
    assignmentMode: 'Manual',
  } as const

  test('are used in the order of the request, whatever their selectors say', () => {
    const requested = ['10.1.0.0/16', '10.0.0.0/16']
    expect(names(request([manualWest, b], { requested }))).toEqual({
      usable: 'b a',
      selecting: 'a b',
    })
  })

  test('host bits, spelling and repetition do not matter', () => {
    expect(names(request([a, b], { requested: ['10.1.7.9/16', '10.1.0.0/16'] }))).toEqual({
      usable: 'b',
      selecting: 'a b',
    })
    const upper = { family: 6, requested: ['FD00:0:0::/112'] } as const
    expect(names(request([six], upper))).toEqual(both('six'))
  })

  test('are narrowed by use', () => {
    const tunnel = { ...a, allowedUses: ['Tunnel'] } as const
    const requested = ['10.0.0.0/16', '10.1.0.0/16']
    expect(names(request([tunnel, b], { requested }))).toEqual({ usable: 'b', selecting: 'a b' })
  })
})

const tooSmall = (family: number): string =>
  `NoQualifiedPool: cannot find a qualified ippool: the blocks of every enabled IPv${family} pool are too small for the addresses reserved in each`

describe('refusals', () => {
  const notEnabled = 'PoolNotUsable: the given pool (10.0.0.0/16) does not exist, or is not enabled'
  const unqualified = 'NoQualifiedPool: cannot find a qualified ippool: no IPv4 pool is enabled'
  test.each<[string, PoolRequest, string]>([
    ['no pool at all', request([]), unqualified],
    ['none enabled', request([{ ...a, disabled: true }]), unqualified],
    ['none of the family', request([six]), unqualified],
    [
      'none selects the node',
      request([{ ...a, nodeSelector: 'zone == "west"' }]),
      'NoPoolForNode: no configured Calico pools for node n1',
    ],
    [
      'none for the use',
      request([a], { use: 'LoadBalancer' }),
      'NoQualifiedPool: cannot find a qualified ippool, no pools match the required use (LoadBalancer)',
    ],
    [
      'a named pool that is disabled, beside a good one',
      request([{ ...a, disabled: true }, b], { requested: ['10.1.0.0/16', '10.0.0.0/16'] }),
      notEnabled,
    ],
    ['a named pool that does not exist', request([b], { requested: ['10.0.0.0/16'] }), notEnabled],
    [
      'part of a pool',
      request([a], { requested: ['10.0.0.0/24'] }),
      'PoolNotUsable: the given pool (10.0.0.0/24) does not exist, or is not enabled',
    ],
    [
      'an IPv6 pool for IPv4',
      request([a, six], { requested: ['fd00::/112'] }),
      'InvalidRequest: provided IPv4 IPPools list contains one or more IPv6 IPPools',
    ],
    [
      'an IPv4 pool for IPv6',
      request([a, six], { family: 6, requested: ['10.0.0.0/16'] }),
      'InvalidRequest: provided IPv6 IPPools list contains one or more IPv4 IPPools',
    ],
    [
      'a name that is no CIDR',
      request([a], { requested: ['a'] }),
      "InvalidRequest: 'a' is not a CIDR (an IP address, '/', and a prefix length)",
    ],
    [
      'a selector that cannot be parsed',
      request([{ ...a, nodeSelector: 'zone' }]),
      "PoolNotUsable: nodeSelector of pool a: 'zone' is not a selector: expected an operator (==, !=, in, not in, contains, starts with, ends with) at position 4, but the text ends",
    ],
    [
      'a namespace selector that cannot be parsed',
      request([{ ...a, namespaceSelector: '((' }]),
      "PoolNotUsable: namespaceSelector of pool a: '((' is not a selector: expected a label, 'has(label)', 'all()', '!' or '(' at position 2, but the text ends",
    ],
  ])('%s', (_, one, expected) => {
    expect(names(one)).toBe(expected)
  })

  test('a selector nobody can parse does not make a node give its blocks back', () => {
    const broken = { ...a, nodeSelector: 'zone', assignmentMode: 'Manual' } as const
    expect(names(request([broken, b]))).toEqual({ usable: 'b', selecting: 'a b' })
  })
})

describe('blocks must be larger than what is reserved in them', () => {
  test.each<[number, number, number, boolean]>([
    [4, 0, 29, true],
    [3, 1, 30, false],
    [1, 1, 30, true],
    [1, 0, 31, true],
    [0, 1, 32, false],
    [32, 31, 26, true],
    [64, 1, 26, false],
    [64, 1, 25, true],
    [0, 0, 32, true],
  ])('%i + %i addresses and /%i', (startOfBlock, endOfBlock, blockSize, isQualified) => {
    const one = request([{ ...a, blockSize }], {
      requested: ['10.0.0.0/16'],
      hostReserved: { startOfBlock, endOfBlock },
    })
    expect(names(one)).toEqual(isQualified ? both('a') : tooSmall(4))
  })

  test('IPv6 counts from 128', () => {
    const hostReserved = { startOfBlock: 3, endOfBlock: 1 }
    const small = { ...six, blockSize: 126 }
    const one = { family: 6, hostReserved } as const
    expect(names(request([small], one))).toBe(tooSmall(6))
    expect(names(request([{ ...six, blockSize: 125 }], one))).toEqual(both('six'))
  })

  test('automatic selection does not look at block sizes, once one pool qualifies', () => {
    const tiny = { ...a, blockSize: 32 }
    const hostReserved = { startOfBlock: 3, endOfBlock: 1 }
    expect(names(request([tiny, b], { hostReserved }))).toEqual(both('a b'))
  })
})

test('the pool of an address or of a block', () => {
  const inner = poolOf('10.0.1.0/24', 28, { name: 'inner' })
  const address = trustedIPAddress('10.0.1.7')
  expect(poolOfAddress([a, inner], address)?.name).toBe('a')
  expect(poolOfAddress([inner, a], address)?.name).toBe('inner')
  expect(poolOfAddress([six, b], address)).toBeUndefined()
  expect(poolOfCIDR([inner, a], trustedCIDR('10.0.0.0/23'))?.name).toBe('a')
  expect(enabledPools([a, six, { ...b, disabled: true }]).map((one) => one.name)).toEqual([
    'a',
    'six',
  ])
})
