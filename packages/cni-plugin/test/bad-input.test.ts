// Broken configurations, CNI_ARGS and annotations: each gets one clear sentence and the right code,
// and leaves datastore and kernel as they were.
import { describe, expect, test } from 'vitest'
import { annotated, type Call, World } from './world.ts'

const local = (ip_pools: ReadonlyArray<object>) => ({ local_datastore: { ip_pools } })
const ipam = (more: object) => ({ ipam: { type: 'hc-calico-ipam', ...more } })
const pod = 'IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0'

type Case = readonly [what: string, call: Partial<Call>, code: number, sentence: string]

const networkConfigurations: ReadonlyArray<Case> = [
  [
    'MTU as text',
    { conf: { mtu: '1500' } },
    7,
    'mtu must be a whole number from 0 to 65535, but is "1500"',
  ],
  ['MTU too big', { conf: { mtu: 70_000 } }, 7, 'mtu must be'],
  ['MTU with a fraction', { conf: { mtu: 1500.5 } }, 7, 'mtu must be'],
  ['negative queues', { conf: { num_queues: -1 } }, 7, 'num_queues must be'],
  [
    'relative lock file',
    { conf: { ipam_lock_file: 'ipam.lock' } },
    7,
    'ipam_lock_file must be an absolute path',
  ],
  [
    'relative nodename file',
    { conf: { nodename_file: './nodename' } },
    7,
    'nodename_file must be an absolute path',
  ],
  [
    'relative log file',
    { conf: { log_file_path: 'cni.log' } },
    7,
    'log_file_path must be an absolute path',
  ],
  [
    'log file with a line break',
    { conf: { log_file_path: '/a\nb' } },
    7,
    'log_file_path must be an absolute path',
  ],
  [
    'relative kubeconfig',
    { conf: { kubernetes: { kubeconfig: 'kc' } } },
    7,
    'kubernetes.kubeconfig must be an absolute path',
  ],
  [
    'relative datastore file',
    { conf: { local_datastore: { file: 'x.sqlite' } } },
    7,
    'local_datastore.file must be an absolute path',
  ],
  [
    'relative status directory',
    { conf: { endpoint_status_dir: 'status' } },
    7,
    'endpoint_status_dir must be an absolute path',
  ],
  [
    'nodename with a slash',
    { conf: { nodename: '../etc' } },
    7,
    'nodename must be at most 253 letters',
  ],
  [
    'hostname with a space',
    { conf: { hostname: 'a b' } },
    7,
    'hostname must be at most 253 letters',
  ],
  [
    'unknown datastore',
    { conf: { datastore_type: 'consul' } },
    7,
    'datastore_type must be one of "", "local", "etcdv3", "kubernetes", but is "consul"',
  ],
  ['unknown API group', { conf: { calico_api_group: 'v9' } }, 7, 'calico_api_group must be one of'],
  [
    'unknown device type',
    { conf: { device_type: 'macvlan' } },
    7,
    'device_type must be one of "", "veth", "netkit"',
  ],
  ['unknown policy type', { conf: { policy: { type: 'mesos' } } }, 7, 'policy.type must be one of'],
  [
    'a dataplane we do not have',
    { conf: { dataplane_options: { type: 'grpc' } } },
    2,
    'dataplane_options.type "grpc" is not supported',
  ],
  [
    'a gate that is no URL',
    { conf: { readiness_gates: ['localhost'] } },
    7,
    'readiness_gates[0] must be an http or https URL',
  ],
  [
    'negative policy timeout',
    { conf: { policy_setup_timeout_seconds: -5 } },
    7,
    'policy_setup_timeout_seconds must be',
  ],
  ['no IPAM', { conf: { ipam: {} } }, 7, 'ipam.type is missing'],
  [
    'IPAM as text',
    { conf: { ipam: 'calico-ipam' } },
    7,
    'ipam must be an object, but is "calico-ipam"',
  ],
  [
    'IPAM plugin with a path',
    { conf: ipam({ type: '../../bin/sh' }) },
    7,
    'ipam.type must be the name of a plugin',
  ],
  [
    'pools as text',
    { conf: ipam({ ipv4_pools: '10.0.0.0/16' }) },
    7,
    'ipam.ipv4_pools must be a list',
  ],
  [
    'a pool that is neither name nor CIDR',
    { conf: ipam({ ipv4_pools: ['10.0.0.0/99'] }) },
    7,
    'ipam.ipv4_pools[0] must be the name or the CIDR of an IP pool',
  ],
  [
    'an IPv6 pool for IPv4',
    { conf: ipam({ ipv4_pools: ['fd00::/64'] }) },
    7,
    `"fd00::/64" isn't a IPv4 address`,
  ],
  [
    'an IPv4 pool for IPv6',
    { conf: ipam({ assign_ipv6: 'true', ipv6_pools: ['10.0.0.0/8'] }) },
    7,
    `"10.0.0.0/8" isn't a IPv6 address`,
  ],
  [
    'a pool nobody knows',
    { conf: ipam({ ipv4_pools: ['nobody'] }) },
    7,
    'error parsing pool "nobody": there is no IP pool of this name',
  ],
  ['no family at all', { conf: ipam({ assign_ipv4: 'false' }) }, 7, 'no address family is wanted'],
  [
    'a number as family',
    { conf: ipam({ assign_ipv4: 0 }) },
    7,
    'ipam.assign_ipv4 must be "true" or "false"',
  ],
  [
    'a route without prefix',
    { conf: ipam({ routes: [{ dst: '10.0.0.1' }] }) },
    7,
    'ipam.routes[0].dst must be a CIDR',
  ],
  [
    'a route without destination',
    { conf: ipam({ routes: [{}] }) },
    7,
    'ipam.routes[0].dst is missing',
  ],
  [
    'host-local on the pod CIDR',
    { conf: { ipam: { type: 'host-local', subnet: 'usePodCidr' } } },
    7,
    'ipam.subnet "usePodCidr" stands for the pod CIDR',
  ],
  [
    'host-local range on the pod CIDR',
    { conf: { ipam: { type: 'host-local', ranges: [[{ subnet: 'UsePodCidrIPv6' }]] } } },
    7,
    'stands for the pod CIDR',
  ],
  [
    'an IPAM plugin that is not installed',
    { conf: { ipam: { type: 'whereabouts' } } },
    7,
    'failed to find plugin "whereabouts" in path [/opt/cni/bin]',
  ],
  [
    'a pool without CIDR',
    { conf: local([{ name: 'x' }]) },
    7,
    'local_datastore.ip_pools[0].cidr is missing',
  ],
  [
    'a pool of rubbish',
    { conf: local([{ cidr: '10.0.0.0' }]) },
    7,
    'local_datastore.ip_pools[0].cidr must be a CIDR',
  ],
  [
    'blocks too big',
    { conf: local([{ cidr: '10.0.0.0/8', blockSize: 19 }]) },
    7,
    'ip_pools[0].blockSize must be a whole number from 20 to 128, but is 19',
  ],
  [
    'an IPv6 block size for IPv4',
    { conf: local([{ cidr: '10.0.0.0/16', blockSize: 122 }]) },
    7,
    'local_datastore.ip_pools[0].blockSize must be from 20 to 32, but is 122',
  ],
  [
    'an IPv4 block size for IPv6',
    { conf: local([{ cidr: 'fd00::/64', blockSize: 26 }]) },
    7,
    'local_datastore.ip_pools[0].blockSize must be from 116 to 128',
  ],
  [
    'a pool smaller than its blocks',
    { conf: local([{ cidr: '10.0.0.0/28' }]) },
    7,
    'the pool 10.0.0.0/28 is smaller than its blocks',
  ],
  [
    'two pools of one name',
    {
      conf: local([
        { name: 'x', cidr: '10.0.0.0/16' },
        { name: 'x', cidr: '10.1.0.0/16' },
      ]),
    },
    7,
    'local_datastore.ip_pools[1].name "x" is used by two pools',
  ],
  [
    'a pool name with a slash',
    { conf: local([{ name: 'a/b', cidr: '10.0.0.0/16' }]) },
    7,
    'local_datastore.ip_pools[0].name must be a name',
  ],
  [
    'a reservation of rubbish',
    { conf: { local_datastore: { reservations: ['all'] } } },
    7,
    'local_datastore.reservations[0] must be an address or a CIDR',
  ],
  [
    'annotations that are no texts',
    { conf: { runtimeConfig: { 'io.kubernetes.cri.pod-annotations': { a: 1 } } } },
    7,
    'runtimeConfig.io.kubernetes.cri.pod-annotations.a must be text',
  ],
]

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

const expectRefusal = async (call: Partial<Call>, code: number, sentence: string) => {
  const world = await World.create()
  world.kernel.plainFiles.add('/etc/passwd')
  const before = await world.picture()
  const answer = await world.run({ command: 'ADD', ...call })
  expect(answer.document).toMatchObject({ code, msg: expect.stringContaining(sentence) })
  expect(answer.document.msg).not.toContain('\n')
  expect(answer.code).toBe(1)
  expect(await world.picture()).toBe(before)
  expect(world.opened).toBe(world.closed)
}

describe('network configurations', () => {
  test.each(networkConfigurations)('%s', (_, call, code, sentence) =>
    expectRefusal(call, code, sentence),
  )
})
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
