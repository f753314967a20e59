// Calico's names of custom resources, golden, and the parts of an endpoint's name.
import type { Key } from '@hc-calico/ipam-core/ports'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { affinityName, type CustomKind, endpointParts, resourceName } from '../src/names.ts'

test.each<[Key<CustomKind>, string]>([
  [{ kind: 'Block', cidr: '10.0.0.0/26' }, '10-0-0-0-26'],
  [{ kind: 'Block', cidr: 'fd80:24e2:f998:72d6::/122' }, 'fd80-24e2-f998-72d6---122'],
  [
    { kind: 'BlockAffinity', type: 'host', host: 'node1', cidr: '10.0.0.0/26' },
    'node1-10-0-0-0-26',
  ],
  [{ kind: 'Handle', id: 'k8s-pod-network.ABC' }, 'k8s-pod-network.abc'],
  [{ kind: 'IPAMConfig' }, 'default'],
  [{ kind: 'ClusterInformation' }, 'default'],
  [{ kind: 'IPPool', name: 'p' }, 'p'],
])('%j', (key, name) => expect(resourceName(key)).toBe(name))

test('an affinity of a host with a very long name', () => {
  const host = 'long--hostna'.repeat(21)
  const name = affinityName(host, '10.0.0.0/26')
  expect(name).toHaveLength(252)
  expect(name.endsWith('-10-0-0-0-26-fb0ffb1c45a')).toBe(true)
})

test('no affinity’s name is longer than a name may be', () => {
  const host = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,252}$/)
  fc.assert(
    fc.property(host, (one) => affinityName(one, 'fd80:24e2:f998:72d6::/122').length <= 252),
  )
})

describe('endpoints', () => {
  test.each([
    ['n--1-k8s-web--0-eth0', { node: 'n-1', orchestrator: 'k8s', pod: 'web-0', endpoint: 'eth0' }],
    ['n--1-k8s-web--0-', { node: 'n-1', orchestrator: 'k8s', pod: 'web-0' }],
    ['n-cni-0123abc-eth0', { node: 'n', orchestrator: 'cni', pod: '0123abc', endpoint: 'eth0' }],
    ['n-k8s', undefined],
    ['n-k8s-p-eth0-more', undefined],
    ['', undefined],
  ])('%s', (name, parts) => expect(endpointParts(name)).toEqual(parts))

  test('every node and pod comes back', () => {
    const name = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/)
    const doubled = (text: string): string => text.replaceAll('-', '--')
    fc.assert(
      fc.property(name, name, (node, pod) => {
        const text = `${doubled(node)}-k8s-${doubled(pod)}-eth0`
        expect(endpointParts(text)).toEqual({ node, orchestrator: 'k8s', pod, endpoint: 'eth0' })
      }),
    )
  })
})
