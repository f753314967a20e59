// Broken network configurations: each gets one clear sentence and the right code, and leaves
// datastore and kernel as they were.
import { test } from 'vitest'
import { type Case, expectRefusal } from './refusal.ts'

const local = (ip_pools: ReadonlyArray<object>) => ({ local_datastore: { ip_pools } })
const ipam = (more: object) => ({ ipam: { type: 'hc-calico-ipam', ...more } })
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
    'a pool with host bits',
    { conf: local([{ cidr: '10.0.0.1/16' }]) },
    7,
    'local_datastore.ip_pools[0].cidr "10.0.0.1/16" has host bits: write 10.0.0.0/16',
  ],
  [
    'pools that overlap',
    { conf: local([{ cidr: '10.0.0.0/16' }, { cidr: '10.0.4.0/24' }]) },
    7,
    'local_datastore.ip_pools[1]: the pool 10.0.4.0/24 overlaps the pool 10.0.0.0/16',
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

test.each(networkConfigurations)('%s', (_, call, code, sentence) =>
  expectRefusal(call, code, sentence),
)
