// What a pod asks for in annotations: who wins, what it becomes.
import { describe, expect, test } from 'vitest'
import { type AddressPlan, planAddresses } from '../src/address-plan.ts'
import { allowedSourcePrefixes, annotatedMAC, floatingIPs } from '../src/annotations.ts'
import type { WorkloadFacts } from '../src/workload-source.ts'
import { parsedConfig } from './parsed.ts'

const facts = (
  pod: Record<string, string> = {},
  namespace: Record<string, string> = {},
): WorkloadFacts => {
  const full = (some: Record<string, string>) =>
    Object.fromEntries(Object.entries(some).map(([k, v]) => [`cni.projectcalico.org/${k}`, v]))
  return {
    pod: { annotations: full(pod), labels: {}, ownerReferences: [], ports: [] },
    namespace: { annotations: full(namespace) },
  }
}

const plan = (
  pod: Record<string, string>,
  namespace: Record<string, string> = {},
  ipam: object = {},
  args: Record<string, string> = {},
): AddressPlan =>
  planAddresses(
    parsedConfig({
      ipam: { type: 'calico-ipam', ...ipam },
      feature_control: { ip_addrs_no_ipam: true },
    }),
    new Map(Object.entries(args)),
    facts(pod, namespace),
  )

const automatic = { tag: 'Automatic', v4: true, v6: false, ipv4Pools: [], ipv6Pools: [] }

describe('precedence: pod, namespace, configuration', () => {
  test.each<[string, AddressPlan | object, Parameters<typeof plan>]>([
    ['nothing anywhere', automatic, [{}]],
    ['configured pools', { ...automatic, ipv4Pools: ['conf'] }, [{}, {}, { ipv4_pools: ['conf'] }]],
    [
      'namespace beats configuration',
      { ...automatic, ipv4Pools: ['ns'] },
      [{}, { ipv4pools: '["ns"]' }, { ipv4_pools: ['conf'] }],
    ],
    [
      'pod beats namespace',
      { ...automatic, ipv4Pools: ['a', '10.0.0.0/24'] },
      [{ ipv4pools: '["a","10.0.0.0/24"]' }, { ipv4pools: '["ns"]' }],
    ],
    [
      'an empty annotation is none',
      { ...automatic, ipv4Pools: ['ns'] },
      [{ ipv4pools: '' }, { ipv4pools: '["ns"]' }],
    ],
    [
      'IPv6 pools',
      { ...automatic, v6: true, ipv6Pools: ['six'] },
      [{ ipv6pools: '["six"]' }, {}, { assign_ipv6: 'true' }],
    ],
    ['families of the pod', { ...automatic, v4: false, v6: true }, [{ ipFamilies: '["IPv6"]' }]],
    [
      'families of the namespace',
      { ...automatic, v6: true },
      [{}, { ipFamilies: '["IPv4","IPv6"]' }],
    ],
    [
      'families switch off what the configuration wants',
      automatic,
      [{ ipFamilies: '["IPv4"]' }, {}, { assign_ipv6: 'true' }],
    ],
    [
      'CNI_ARGS IP',
      { tag: 'Explicit', ips: ['10.0.0.9'], repinned: false },
      [{}, {}, {}, { IP: '10.0.0.9' }],
    ],
    [
      'ipAddrs beat CNI_ARGS IP',
      { tag: 'Explicit', ips: ['10.0.0.7'], repinned: true },
      [{ ipAddrs: '["10.0.0.7"]' }, {}, {}, { IP: '10.0.0.9' }],
    ],
    [
      'ipAddrs of both families, canonical',
      { tag: 'Explicit', ips: ['10.0.0.7', 'fd00::7'], repinned: true },
      [{ ipAddrs: '["10.0.0.7","FD00:0:0::7"]' }],
    ],
    ['ipAddrsNoIpam', { tag: 'PastIPAM', ips: ['10.9.9.9'] }, [{ ipAddrsNoIpam: '["10.9.9.9"]' }]],
    ['a namespace cannot pin an address', automatic, [{}, { ipAddrs: '["10.0.0.7"]' }]],
  ])('%s', (_, expected, given) => {
    expect(plan(...given)).toEqual(expected)
  })
})

describe('other annotations', () => {
  test.each([
    ['0A:58:0a:00:00:01', '0a:58:0a:00:00:01'],
    ['0a-58-0a-00-00-01', '0a:58:0a:00:00:01'],
  ])('hwAddr %s', (hwAddr, mac) => {
    expect(annotatedMAC(facts({ hwAddr }))).toBe(mac)
  })
  test('allowedSourcePrefixes: addresses and CIDRs, canonical', () => {
    const value = '["10.0.0.5","10.1.2.3/16","FD00::1/64"]'
    expect(allowedSourcePrefixes(facts({ allowedSourcePrefixes: value }))).toEqual([
      '10.0.0.5/32',
      '10.1.0.0/16',
      'fd00::/64',
    ])
  })
  test('floatingIPs, when the feature is on', () => {
    expect(floatingIPs(facts({ floatingIPs: '["192.0.2.1"]' }), true)).toEqual(['192.0.2.1'])
    expect(() => floatingIPs(facts({ floatingIPs: '["192.0.2.1"]' }), false)).toThrow(
      'requested feature is not enabled: floating_ips',
    )
  })
})
