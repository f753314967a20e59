// A service's list is an order: whatever blocks the node owns, earlier members are used up first.
import { createIPAM } from '@hc-calico/ipam-core'
import { createMemoryDatastore } from '@hc-calico/ipam-core/memory'
import type { Write } from '@hc-calico/ipam-core/ports'
import { describe, expect, test } from 'vitest'
import { autoAssignInListOrder } from '../src/calico-ipam/in-list-order.ts'
import type { ServicePools } from '../src/calico-ipam/service-pools.ts'

const cidrs = { a: '10.1.0.0/29', b: '10.2.0.0/30', x: 'fd00:1::/126', y: 'fd00:2::/126' }

const poolOf = ([name, cidr]: [string, string]): Write =>
  ({
    op: 'create',
    key: { kind: 'IPPool', name },
    value: {
      name,
      cidr,
      blockSize: cidr.includes(':') ? 126 : 30,
      disabled: false,
      terminating: false,
      allocatable: true,
      nodeSelector: 'all()',
      allowedUses: ['Workload'],
      assignmentMode: 'Manual',
      ipipMode: 'Never',
      vxlanMode: 'Never',
      natOutgoing: false,
      disableBGPExport: false,
    },
  }) as unknown as Write

const world = async () => {
  const datastore = createMemoryDatastore()
  const node = {
    op: 'create',
    key: { kind: 'Node', name: 'n1' },
    value: { name: 'n1', labels: {} },
  }
  for (const write of [...Object.entries(cidrs).map(poolOf), node as unknown as Write])
    await datastore.commit([write])()
  return createIPAM({ datastore })
}

type IPAM = Awaited<ReturnType<typeof world>>
type Member = keyof typeof cidrs

let handles = 0
const start = async (
  ipam: IPAM,
  v4: ReadonlyArray<Member>,
  v6: ReadonlyArray<Member> = [],
  maxBlocksPerHost = 0,
) => {
  handles += 1
  const members = (names: ReadonlyArray<Member>) =>
    names.map((name) => ({ name, cidr: cidrs[name] }))
  const service: ServicePools = { name: 's', v4: members(v4), v6: members(v6) }
  const request = {
    num4: v4.length > 0 ? 1 : 0,
    num6: v6.length > 0 ? 1 : 0,
    handleID: `h${handles}`,
    host: 'n1',
    attrs: { node: 'n1' },
    intendedUse: 'Workload' as const,
    maxAllocToHandlePerIPVersion: 1,
    ipv4Pools: v4.map((name) => cidrs[name]),
    ipv6Pools: v6.map((name) => cidrs[name]),
    ...(maxBlocksPerHost > 0 ? { maxBlocksPerHost } : {}),
  }
  const result = await autoAssignInListOrder(ipam, { request, service })
  const memberOf = (ips: ReadonlyArray<string> = []) =>
    ips.map(
      (ip) =>
        ({ '10.1': 'a', '10.2': 'b', 'fd00:1': 'x', 'fd00:2': 'y' })[
          ip.match(/^10\.\d|^fd00:\d/)?.[0] ?? ''
        ],
    )
  return [...memberOf(result.v4?.ips), ...memberOf(result.v6?.ips)].join('')
}

const times = async (n: number, one: () => Promise<string>) => {
  const all: string[] = []
  for (let i = 0; i < n; i += 1) all.push(await one())
  return all.join(' ')
}

describe('the members of a service', () => {
  test('a block the node owns in a later member waits for its turn', async () => {
    const ipam = await world()
    expect(await start(ipam, ['a'])).toBe('a')
    expect(await times(5, () => start(ipam, ['b', 'a']))).toBe('b b b b a')
  })

  test('the families go down their lists each by itself', async () => {
    const ipam = await world()
    await times(3, () => start(ipam, [], ['x']))
    expect(await times(3, () => start(ipam, ['b', 'a'], ['x', 'y']))).toBe('bx by by')
  })

  test('a full list comes back short, in Calico’s words', async () => {
    const ipam = await world()
    await times(4, () => start(ipam, ['b']))
    expect(await start(ipam, ['b'])).toBe('')
  })

  test('a member where the node may own no further block is passed over', async () => {
    const ipam = await world()
    await times(4, () => start(ipam, ['a']))
    await expect(start(ipam, ['a'], [], 1)).rejects.toThrow('per host block limit')
    expect(await start(ipam, ['a', 'b'], [], 1)).toBe('b')
  })

  test('and the other family is served by its own member all the same', async () => {
    const ipam = await world()
    await times(4, () => start(ipam, ['a']))
    expect(await start(ipam, ['a', 'b'], ['x'], 1)).toBe('bx')
    expect(await start(ipam, ['a', 'b'], ['x', 'y'], 1)).toBe('bx')
    await times(4, () => start(ipam, [], ['x'], 0))
    expect(await start(ipam, ['b'], ['x', 'y'], 1)).toBe('by')
    await expect(start(ipam, ['b'], ['x'], 1)).rejects.toThrow('per host block limit')
  })
})
