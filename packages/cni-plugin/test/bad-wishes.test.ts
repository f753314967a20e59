// Broken CNI_ARGS and annotations: each gets one clear sentence and the right code, and leaves
// datastore and kernel as they were.
import { describe, expect, test } from 'vitest'
import { type Case, expectRefusal } from './refusal.ts'
import { annotated, World } from './world.ts'

const pod = 'IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0'

const callArguments: ReadonlyArray<Case> = [
  [
    'a pod name with a slash',
    { args: 'K8S_POD_NAMESPACE=default;K8S_POD_NAME=../x' },
    4,
    'K8S_POD_NAME must be a pod name',
  ],
  [
    'a namespace with a dot',
    { args: 'K8S_POD_NAMESPACE=a.b;K8S_POD_NAME=x' },
    4,
    'K8S_POD_NAMESPACE must be a namespace name',
  ],
  [
    'an IP of rubbish',
    { args: `${pod};IP=10.0.0.300` },
    4,
    'CNI_ARGS: IP must be an IP address, but is "10.0.0.300"',
  ],
  [
    'an IP with a prefix',
    { args: `${pod};IP=10.244.0.9/24` },
    4,
    'CNI_ARGS: IP must be an IP address',
  ],
  [
    'an IP with leading zeros',
    { args: `${pod};IP=010.244.0.9` },
    4,
    'CNI_ARGS: IP must be an IP address',
  ],
  ['an IP outside every pool', { args: `${pod};IP=203.0.113.9` }, 101, 'not in a configured pool'],
  [
    'a relative namespace',
    { env: { CNI_NETNS: 'netns/a' } },
    4,
    'CNI_NETNS must be an absolute path',
  ],
  ['no such namespace', { ns: 'nowhere' }, 8, 'CNI_NETNS "/var/run/netns/nowhere" does not exist'],
  [
    'a plain file as namespace',
    { ns: '/etc/passwd' },
    8,
    'CNI_NETNS "/etc/passwd" is not a network namespace',
  ],
  [
    'the host itself as namespace',
    { ns: '/proc/self/ns/net' },
    8,
    "is this plugin's own network namespace",
  ],
  [
    'an interface name with a dash at its end',
    { ifName: 'eth-' },
    4,
    'CNI_IFNAME "eth-" must not begin or end with "-"',
  ],
]

const wish = (annotations: Record<string, string>, more: object = {}) => ({
  args: pod,
  conf: annotated(annotations, more),
})

const annotations: ReadonlyArray<Case> = [
  [
    'ipAddrs not JSON',
    wish({ ipAddrs: '10.0.0.1' }),
    7,
    'annotation "cni.projectcalico.org/ipAddrs" must be a JSON list of texts',
  ],
  ['ipAddrs not a list', wish({ ipAddrs: '"10.0.0.1"' }), 7, 'must be a JSON list of texts'],
  ['ipAddrs of numbers', wish({ ipAddrs: '[1]' }), 7, 'must be a JSON list of texts'],
  ['ipAddrs empty', wish({ ipAddrs: '[]' }), 7, 'specified but empty'],
  [
    'ipAddrs of rubbish',
    wish({ ipAddrs: '["pod"]' }),
    7,
    'invalid IP format: annotation "cni.projectcalico.org/ipAddrs" contains "pod"',
  ],
  [
    'ipAddrs twice IPv4',
    wish({ ipAddrs: '["10.0.0.1","10.0.0.2"]' }),
    7,
    'cannot have more than one IPv4 address',
  ],
  [
    'ipAddrs twice IPv6',
    wish({ ipAddrs: '["fd00::1","fd00::2"]' }),
    7,
    'cannot have more than one IPv6 address',
  ],
  [
    'ipAddrs outside every pool',
    wish({ ipAddrs: '["203.0.113.9"]' }),
    101,
    'not in a configured pool',
  ],
  [
    'ipAddrs, the second one outside',
    wish({ ipAddrs: '["10.244.0.9","2001:db8::1"]' }),
    101,
    'not in a configured pool',
  ],
  [
    'both kinds of pinning',
    wish({ ipAddrs: '["10.0.0.1"]', ipAddrsNoIpam: '["10.0.0.1"]' }),
    7,
    "can't have both annotations",
  ],
  [
    'ipAddrs with another IPAM',
    wish({ ipAddrs: '["10.0.0.1"]' }, { ipam: { type: 'host-local' } }),
    7,
    'needs ipam.type "calico-ipam" or "hc-calico-ipam", but it is "host-local"',
  ],
  [
    'ipAddrsNoIpam without the feature',
    wish({ ipAddrsNoIpam: '["10.0.0.1"]' }),
    7,
    'requested feature is not enabled: ip_addrs_no_ipam',
  ],
  [
    'ipAddrsNoIpam outside Kubernetes',
    {
      ...wish({ ipAddrsNoIpam: '["10.0.0.1"]' }, { feature_control: { ip_addrs_no_ipam: true } }),
      args: '',
    },
    7,
    'works for Kubernetes pods only',
  ],
  [
    'ipv4pools not JSON',
    wish({ ipv4pools: 'pool-1' }),
    7,
    'annotation "cni.projectcalico.org/ipv4pools" must be a JSON list',
  ],
  [
    'ipv4pools with a strange name',
    wish({ ipv4pools: '["a/b/c"]' }),
    7,
    'error parsing pool "a/b/c"',
  ],
  [
    'ipv4pools of the wrong family',
    wish({ ipv4pools: '["fd00::/64"]' }),
    7,
    `"fd00::/64" isn't a IPv4 address`,
  ],
  [
    'ipv4pools nobody knows',
    wish({ ipv4pools: '["nobody"]' }),
    7,
    'there is no IP pool of this name',
  ],
  [
    'ipv4pools with the CIDR of no pool',
    wish({ ipv4pools: '["10.99.0.0/16"]' }),
    101,
    'the given pool (10.99.0.0/16) does not exist, or is not enabled',
  ],
  [
    'ipFamilies of rubbish',
    wish({ ipFamilies: '["IPv5"]' }),
    7,
    'error parsing ipFamilies: "IPv5" is neither',
  ],
  [
    'ipFamilies empty',
    wish({ ipFamilies: '[]' }),
    7,
    'error parsing ipFamilies: the list is empty',
  ],
  [
    'hwAddr of rubbish',
    wish({ hwAddr: '1:2:3' }),
    7,
    'annotation "cni.projectcalico.org/hwAddr" must be a hardware address',
  ],
  ['hwAddr multicast', wish({ hwAddr: '01:00:5e:00:00:01' }), 7, 'it is a multicast address'],
  ['hwAddr zero', wish({ hwAddr: '00:00:00:00:00:00' }), 7, 'it is all zeros'],
  [
    'source prefixes of rubbish',
    wish({ allowedSourcePrefixes: '["10.0.0.0/33"]' }),
    7,
    'annotation "cni.projectcalico.org/allowedSourcePrefixes" contains "10.0.0.0/33"',
  ],
  [
    'floating addresses without the feature',
    wish({ floatingIPs: '["192.0.2.1"]' }),
    7,
    'requested feature is not enabled: floating_ips',
  ],
  [
    'floating addresses of rubbish',
    wish({ floatingIPs: '["x"]' }, { feature_control: { floating_ips: true } }),
    7,
    'invalid IP format',
  ],
  [
    'a floating address without a pod address of its family',
    wish({ floatingIPs: '["2001:db8::1"]' }, { feature_control: { floating_ips: true } }),
    7,
    'the pod has no IPv6 address',
  ],
]

describe('call arguments', () => {
  test.each(callArguments)('%s', (_, call, code, sentence) => expectRefusal(call, code, sentence))
})
describe('annotations', () => {
  test.each(annotations)('%s', (_, call, code, sentence) => expectRefusal(call, code, sentence))
})

test('what can be refused without the datastore is refused without it', async () => {
  const world = await World.create()
  await world.run({ command: 'ADD', ns: 'nowhere' })
  await world.run({ command: 'ADD', ...wish({ hwAddr: 'x' }) })
  await world.run({ command: 'ADD', conf: { mtu: 'x' } })
  expect(world.opened).toBe(0)
})
