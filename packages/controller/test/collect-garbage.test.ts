import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { collectGarbage } from '../src/decisions/collect-garbage.ts'
import type { GarbageSituation, SeenAllocation, SeenPod } from '../src/decisions/garbage-model.ts'

const pod = { pod: 'web', namespace: 'default', node: 'n1' }
const of = (over: Partial<SeenAllocation> = {}): SeenAllocation => ({
  ip: '10.0.0.1',
  handleID: 'k8s.c1',
  sequenceNumber: 5n,
  attributes: pod,
  ...over,
})
const calm: GarbageSituation = {
  allocations: [],
  pods: new Map(),
  nodes: new Set(['n1']),
  podOfIdentity: () => undefined,
  blockOwners: new Set(),
  ownedBlocks: [],
  hasAffinity: () => true,
  handles: new Map(),
  suspected: new Map(),
  nowMs: 0,
  graceMs: 100,
}
const web = (over = {}) =>
  new Map([['default/web', { node: 'n1', ips: ['10.0.0.1'], isEvicted: false, ...over }]])
/** Two observations, the grace time apart. */
const twice = (situation: GarbageSituation) =>
  collectGarbage({ ...situation, suspected: collectGarbage(situation).suspected, nowMs: 100 })
const released = (over: Partial<GarbageSituation>) =>
  twice({ ...calm, ...over }).release.map((one) => one.handleID)
const tunnel = of({
  handleID: 'tunnel',
  ip: '10.0.0.9',
  attributes: { node: 'n1', type: 'vxlanTunnelAddress' },
})

describe('allocations', () => {
  test.each<[string, Partial<GarbageSituation>, string[]]>([
    ['its pod is there', { allocations: [of()], pods: web() }, []],
    ['its pod has no address yet', { allocations: [of()], pods: web({ ips: [] }) }, []],
    ['its pod is gone', { allocations: [of()] }, ['k8s.c1']],
    [
      'its pod has another address',
      { allocations: [of()], pods: web({ ips: ['10.0.0.2'] }) },
      ['k8s.c1'],
    ],
    [
      'its pod says it has it, whatever the nodes are called',
      { allocations: [of()], pods: web({ node: 'n2' }) },
      [],
    ],
    [
      'its pod starts on another node',
      { allocations: [of()], pods: web({ node: 'n2', ips: [] }), nodes: new Set(['n1', 'n2']) },
      ['k8s.c1'],
    ],
    [
      'its pod starts on a node whose name nobody can translate',
      { allocations: [of()], pods: web({ node: 'k2', ips: [] }) },
      [],
    ],
    ['its pod was evicted', { allocations: [of()], pods: web({ isEvicted: true }) }, ['k8s.c1']],
    ['unknown source', { allocations: [of({ attributes: { node: 'n1' } })] }, []],
    ['of a machine, by its handle', { allocations: [of({ handleID: 'k8s.vmi.default.vm1' })] }, []],
    [
      'of a machine, by its attributes',
      { allocations: [of({ attributes: { ...pod, 'vmi-name': 'vm1' } })] },
      [],
    ],
    ['no attributes at all', { allocations: [of({ attributes: {} })] }, []],
    [
      'reserved for Windows',
      { allocations: [of({ handleID: 'Windows-Reserved-IPAM-Handle' })] },
      [],
    ],
    [
      'half of a handle in use: none',
      { allocations: [of(), of({ ip: 'fd00::1' })], pods: web() },
      [],
    ],
    ['all of a handle gone: all', { allocations: [of(), of({ ip: 'fd00::1' })] }, ['k8s.c1']],
    ['tunnel of a node that is there', { allocations: [tunnel] }, []],
    ['tunnel of a node that is gone', { allocations: [tunnel], nodes: new Set() }, ['tunnel']],
    [
      'tunnel, beside an address that stays because of its handle',
      {
        allocations: [
          tunnel,
          of({ attributes: { ...pod, pod: 'gone' } }),
          of({ ip: 'fd00::1', attributes: { ...pod, node: 'n2' } }),
        ],
        nodes: new Set(),
        pods: web({ node: 'n2', ips: ['fd00::1'] }),
      },
      [],
    ],
    [
      'tunnel, something in use there',
      { allocations: [tunnel, of()], nodes: new Set(), pods: web() },
      [],
    ],
  ])('%s', (_name, over, handles) => {
    expect(released(over)).toEqual(handles)
  })
  test.each<[string, Partial<SeenAllocation>, number]>([
    ['a moment too early', {}, 99],
    ['allocated anew in between', { sequenceNumber: 6n }, 100],
  ])('%s: kept', (_name, over, nowMs) => {
    const { suspected } = collectGarbage({ ...calm, allocations: [of()] })
    expect(collectGarbage({ ...calm, allocations: [of(over)], suspected, nowMs }).release).toEqual(
      [],
    )
  })
  test('used in between: the time starts again', () => {
    const { suspected } = collectGarbage({ ...calm, allocations: [of()] })
    const between = collectGarbage({
      ...calm,
      allocations: [of()],
      pods: web(),
      suspected,
      nowMs: 50,
    })
    expect(between.suspected.size).toBe(0)
  })
  test('two looks at one moment are one observation', () => {
    const { suspected } = collectGarbage({ ...calm, graceMs: 0, allocations: [of()] })
    expect(collectGarbage({ ...calm, graceMs: 0, allocations: [of()], suspected }).release).toEqual(
      [],
    )
  })
  test('one observation never frees anything, without a grace time neither', () => {
    expect(collectGarbage({ ...calm, graceMs: 0, allocations: [of()] }).release).toEqual([])
  })
})

describe('fixed addresses, nodes, handles', () => {
  const fixed = of({
    handleID: 'f',
    attributes: { node: 'n1' },
    fixed: { identity: 'web-0', holder: { id: 'c1', node: 'n1' } },
  })
  const there = (over = {}): SeenPod => ({
    node: 'n1',
    ips: ['10.0.0.1'],
    isEvicted: false,
    ...over,
  })
  const second = { ...fixed, ip: 'fd00::1' }
  test.each<[string, SeenPod | 'unknown' | undefined, number, SeenAllocation[]]>([
    ['held', there(), 0, [fixed]],
    ['its pod is gone', undefined, 1, [fixed]],
    ['its pod was evicted', there({ isEvicted: true }), 1, [fixed]],
    ['its pod is starting there', there({ ips: [] }), 0, [fixed]],
    ['its pod is not scheduled', there({ ips: [], node: '' }), 0, [fixed]],
    ['its pod starts elsewhere', there({ ips: [], node: 'n2' }), 1, [fixed]],
    ['its pod has another address', there({ ips: ['10.0.0.2'] }), 1, [fixed]],
    ['its pod has one of two: the holder is there', there(), 0, [fixed, second]],
    ['its pod has none of two', there({ ips: ['10.0.0.2'] }), 1, [fixed, second]],
    ['nobody can tell', 'unknown', 0, [fixed]],
    ['parked', undefined, 0, [{ ...fixed, fixed: { identity: 'web-0' } }]],
  ])('fixed, %s', (_name, pod, parked, allocations) => {
    const situation = {
      ...calm,
      allocations,
      handles: new Map([['f', { revision: '1', count: allocations.length }]]),
    }
    const plan = twice({ ...situation, podOfIdentity: () => pod })
    expect(
      plan.park.map(({ handleID, holderID, identity }) => [handleID, holderID, identity]),
    ).toEqual(Array.from({ length: parked }, () => ['f', 'c1', 'web-0']))
    expect([plan.release, plan.deleteHandles, plan.candidates]).toEqual([[], [], []])
  })
  test('held by somebody else in between: the time starts again', () => {
    const { suspected } = collectGarbage({ ...calm, allocations: [fixed] })
    const later = { ...fixed, fixed: { identity: 'web-0', holder: { id: 'c2', node: 'n1' } } }
    expect(collectGarbage({ ...calm, allocations: [later], suspected, nowMs: 100 }).park).toEqual(
      [],
    )
  })
  test('a node is cleaned when it is gone and nothing names it', () => {
    const owners = { ...calm, blockOwners: new Set(['n1', 'n2', 'n3']) }
    const named = of({ attributes: { node: 'n3' } })
    expect(twice({ ...owners, allocations: [named] }).cleanNodes).toEqual(['n2'])
  })
  test('a handle is known in any letter case', () => {
    const handles = new Map([['k8s.C1', { revision: '1', count: 1 }]])
    expect(
      twice({ ...calm, handles, allocations: [of({ handleID: 'k8s.c1\rx' })] }).deleteHandles,
    ).toEqual([])
  })
  test('a handle that owns nothing goes, one that was written in between stays', () => {
    const start = {
      ...calm,
      handles: new Map([
        ['x', { revision: '1', count: 1 }],
        ['empty', { revision: '1', count: 0 }],
        ['k8s.c1', { revision: '1', count: 1 }],
      ]),
      allocations: [of()],
    }
    expect(twice(start).deleteHandles).toEqual([
      { handleID: 'x', revision: '1' },
      { handleID: 'empty', revision: '1' },
    ])
    const { suspected } = collectGarbage(start)
    const later = {
      ...start,
      handles: new Map([['x', { revision: '2', count: 1 }]]),
      suspected,
      nowMs: 100,
    }
    expect(collectGarbage(later).deleteHandles).toEqual([])
  })
  test('a handle that says it owns more than it does is counted again; one spelt otherwise is left', () => {
    const handles = new Map([
      ['k8s.c1', { revision: '1', count: 2 }],
      ['k8s.C1', { revision: '1', count: 2 }],
      ['k8s.c2', { revision: '1', count: 1 }],
    ])
    const allocations = [of({ handleID: 'k8s.c1' }), of({ handleID: 'k8s.c2', ip: '10.0.0.2' })]
    const plan = twice({ ...calm, handles, allocations })
    expect(plan.recount).toEqual([{ handleID: 'k8s.c1', revision: '1' }])
    expect(plan.deleteHandles).toEqual([])
  })
  test('a block whose owner has no affinity for it, after the grace time', () => {
    const ownedBlocks = ['10.0.0.0/26', '10.0.0.64/26'].map((cidr) => ({
      ...{ cidr, affinity: 'host:n1' },
    }))
    const hasAffinity = ({ cidr }: { readonly cidr: string }) => cidr === '10.0.0.0/26'
    const situation = { ...calm, ownedBlocks, hasAffinity }
    expect(collectGarbage(situation).disown).toEqual([])
    expect(twice(situation).disown).toEqual([ownedBlocks[1]])
  })
})

test('whatever is there: no fixed address is freed, no handle in part, nothing of a running pod', () => {
  const allocation = fc.record({
    ip: fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3'),
    handleID: fc.constantFrom('a', 'b', 'c'),
    sequenceNumber: fc.bigInt(0n, 3n),
    attributes: fc.constantFrom<Record<string, string>>(
      pod,
      { ...pod, pod: 'gone' },
      { node: 'n1' },
      { node: 'n9', type: 'ipipTunnelAddress' },
    ),
    isFixed: fc.boolean(),
  })
  let freed = 0
  fc.assert(
    fc.property(fc.array(allocation, { maxLength: 8 }), (made) => {
      const allocations = made.map(
        ({ isFixed, ...one }): SeenAllocation =>
          isFixed ? { ...one, fixed: { identity: 'i' } } : one,
      )
      for (const { handleID, allocations: gone } of twice({ ...calm, allocations, pods: web() })
        .release) {
        freed += 1
        expect(gone).toEqual(allocations.filter((one) => one.handleID === handleID))
        expect(
          gone.filter(
            (one) => one.fixed || (one.attributes.pod === 'web' && one.ip === '10.0.0.1'),
          ),
        ).toEqual([])
      }
    }),
    { numRuns: 500 },
  )
  expect(freed).toBeGreaterThan(0)
})
