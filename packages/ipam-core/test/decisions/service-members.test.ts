// Which pools of a service serve, and why the others do not.
import { expect, test } from 'vitest'
import { type ServiceMembersRequest, serviceMembers } from '../../src/decisions/service-members.ts'
import type { IPPool } from '../../src/model/ip-pool.ts'

const pool = (name: string, more: Partial<IPPool> = {}): IPPool => ({
  name,
  cidr: `10.${name.charCodeAt(0)}.0.0/24`,
  blockSize: 26,
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
  ...more,
})

const members = (pools: ReadonlyArray<IPPool>, more: Partial<ServiceMembersRequest> = {}) =>
  serviceMembers({
    family: 4,
    listed: pools.map(({ name }) => name),
    draining: [],
    pools,
    nodeLabels: { rack: 'r1' },
    namespaceLabels: { team: 'red' },
    ...more,
  }).map((one) => ('reason' in one ? `${one.name}: ${one.reason}` : one.name))

test('the order is the list’s, whatever the pools’ names; a name counts once', () => {
  expect(members([pool('a'), pool('b')], { listed: ['b', 'a', 'b'] })).toEqual(['b', 'a'])
})

test.each<[string, Partial<IPPool>, string]>([
  ['disabled', { disabled: true }, 'a: it is disabled'],
  ['going away', { terminating: true }, 'a: it is being deleted'],
  ['not allocatable', { allocatable: false }, 'a: it is not allocatable'],
  ['for tunnels', { allowedUses: ['Tunnel'] }, 'a: it is not allowed for pods'],
  ['of the other family', { cidr: 'fd00::/112' }, 'a: it is an IPv6 pool'],
  [
    'of another rack',
    { nodeSelector: 'rack == "r2"' },
    'a: its nodeSelector does not match the node',
  ],
  [
    'of another team',
    { namespaceSelector: 'team == "blue"' },
    'a: its namespaceSelector does not match the namespace',
  ],
  ['with a broken CIDR', { cidr: 'x' }, 'a: its CIDR cannot be read'],
])('a pool that is %s is skipped with the reason', (_, more, reason) => {
  expect(members([pool('a', more), pool('b')])).toEqual([reason, 'b'])
})

test('a selector nobody can read skips the pool, not the pod', () => {
  const [first, second] = members([pool('a', { nodeSelector: 'rack = ' }), pool('b')])
  expect(first).toMatch(/^a: its nodeSelector cannot be read: /)
  expect(second).toBe('b')
})

test('selectors that match, and a pool for requests by name only, serve', () => {
  const matching = { nodeSelector: 'rack == "r1"', namespaceSelector: 'team == "red"' }
  expect(members([pool('a', matching), pool('b', { assignmentMode: 'Manual' })])).toEqual([
    'a',
    'b',
  ])
})

test('an unknown name is a reason', () => {
  expect(members([pool('a')], { listed: ['x', 'a'] })).toEqual([
    'x: there is no pool of this name',
    'a',
  ])
})

test('disabled beats enabled', () => {
  expect(members([pool('a'), pool('b')], { draining: ['a', 'z'] })).toEqual([
    'a: it drains: the service lists it as disabled',
    'b',
  ])
})
