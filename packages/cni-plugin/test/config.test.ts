// The network configuration: defaults, where the datastore comes from, and every wrong field at once.
import { describe, expect, test } from 'vitest'
import { parsedConfig } from './parsed.ts'

describe('defaults', () => {
  test('an empty configuration', () => {
    expect(parsedConfig()).toMatchObject({
      network: 'k8s-pod-network',
      ipam: { assignIPv4: true, assignIPv6: false, ipv4Pools: [], ipv6Pools: [] },
      ipamLockFile: '/var/run/calico/ipam.lock',
      datastore: { type: 'local', file: '/var/lib/hc-calico/datastore.sqlite', pools: [] },
      nodeName: { file: '/var/lib/calico/nodename', fileOptional: true },
      policyType: '',
      mtu: 0,
      numQueues: 1,
      deviceType: 'veth',
      interfacePrefix: 'cali',
      allowIPForwarding: false,
      endpointStatusDir: '/var/run/calico/endpoint-status',
      log: { level: 'info', sizeMBMax: 100, ageDaysMax: 30, filesMax: 10 },
    })
  })
  test('null means "not set"', () => {
    expect(parsedConfig({ mtu: null, policy: null, ipam: { assign_ipv6: null } })).toEqual(
      parsedConfig({ ipam: {} }),
    )
  })
  test('what is unknown, or for Windows, is ignored', () => {
    expect(
      parsedConfig({ windows_use_single_network: true, vxlan_vni: 4096, foo: { bar: 1 } }),
    ).toEqual(parsedConfig())
  })
})

describe('families: only the exact words count', () => {
  test.each([
    ['false', undefined, false, false],
    ['False', undefined, true, false],
    [false, undefined, false, false],
    ['true', 'true', true, true],
    [undefined, true, true, true],
    [undefined, 'yes', true, false],
    [undefined, 'True', true, false],
  ])('assign_ipv4 %j, assign_ipv6 %j', (assign_ipv4, assign_ipv6, assignIPv4, assignIPv6) => {
    expect(parsedConfig({ ipam: { assign_ipv4, assign_ipv6 } }).ipam).toMatchObject({
      assignIPv4,
      assignIPv6,
    })
  })
})

describe('log levels', () => {
  test.each([
    ['debug', 'debug'],
    ['info', 'info'],
    ['warning', 'warning'],
    ['Error', 'error'],
    ['nonsense', 'info'],
  ])('%s -> %s', (log_level, level) => {
    expect(parsedConfig({ log_level }).log.level).toBe(level)
  })
})

describe('the datastore', () => {
  const etcd = { ETCD_ENDPOINTS: 'http://e1:2379' }
  test.each<[string, object, Record<string, string>, object]>([
    ['nothing says anything', {}, {}, { type: 'local' }],
    ['stated', { datastore_type: 'kubernetes' }, etcd, { type: 'kubernetes' }],
    ['the environment states it', {}, { DATASTORE_TYPE: 'kubernetes' }, { type: 'kubernetes' }],
    [
      'the configuration beats the environment',
      { datastore_type: 'local' },
      { DATASTORE_TYPE: 'etcdv3' },
      { type: 'local' },
    ],
    ['local_datastore implies local', { local_datastore: {} }, etcd, { type: 'local' }],
    [
      'endpoints imply etcd',
      { etcd_endpoints: 'https://a:2379, https://b:2379' },
      {},
      { type: 'etcdv3', endpoints: ['https://a:2379', 'https://b:2379'] },
    ],
    ['endpoints of the environment', {}, etcd, { type: 'etcdv3', endpoints: ['http://e1:2379'] }],
    [
      'endpoints beat the environment',
      { etcd_endpoints: 'http://x:1' },
      etcd,
      { endpoints: ['http://x:1'] },
    ],
    [
      'the old authority',
      { etcd_authority: 'e:2379', etcd_scheme: 'https' },
      {},
      { endpoints: ['https://e:2379'] },
    ],
    [
      'files from both',
      { datastore_type: 'etcdv3', etcd_key_file: '/k' },
      { ETCD_KEY_FILE: '/x', ETCD_CERT_FILE: '/c' },
      { keyFile: '/k', certFile: '/c' },
    ],
    [
      'a kubeconfig alone implies Kubernetes',
      { kubernetes: { kubeconfig: '/kc' } },
      {},
      { type: 'kubernetes', kubeconfig: '/kc' },
    ],
    [
      'etcd with a kubeconfig stays etcd',
      { etcd_endpoints: 'http://x:1', kubernetes: { kubeconfig: '/kc' } },
      {},
      { type: 'etcdv3' },
    ],
    [
      'old policy fields',
      {
        datastore_type: 'kubernetes',
        policy: { k8s_api_root: 'https://k:6443/api/v1/', k8s_auth_token: 't' },
      },
      {},
      { apiRoot: 'https://k:6443', token: 't' },
    ],
    [
      'rates',
      { datastore_type: 'kubernetes', qps: 20 },
      { K8S_CLIENT_BURST: '50' },
      { qps: 20, burst: 50 },
    ],
    [
      'API group',
      { datastore_type: 'kubernetes', calico_api_group: 'projectcalico.org/v3' },
      {},
      { apiGroup: 'projectcalico.org/v3' },
    ],
  ])('%s', (_, conf, env, expected) => {
    expect(parsedConfig(conf, env).datastore).toMatchObject(expected)
  })
  test('pools of the local datastore get names and block sizes', () => {
    const ip_pools = [{ cidr: '10.244.0.0/16' }, { cidr: 'FD00::/48', name: 'six', blockSize: 124 }]
    const reservations = ['10.244.0.0/30', '10.244.9.9']
    const { datastore } = parsedConfig({ local_datastore: { file: '/x', ip_pools, reservations } })
    expect(datastore).toMatchObject({
      file: '/x',
      reservations,
      pools: [
        { name: 'local-10-244-0-0-16', blockSize: 26, nodeSelector: 'all()', disabled: false },
        { name: 'six', blockSize: 124 },
      ],
    })
  })
})

describe('refused', () => {
  test('every wrong field in one error, each with its place and what to write', () => {
    const conf = {
      mtu: 'big',
      num_queues: -1,
      ipam: { ipv4_pools: 'x' },
      policy: { type: 'mesos' },
    }
    expect(() => parsedConfig(conf)).toThrow(
      'invalid network configuration: mtu must be a whole number from 0 to 65535, but is "big"; ' +
        'num_queues must be a whole number from 0 to 4096, but is -1; ' +
        'policy.type must be one of "", "k8s", but is "mesos"; ' +
        'ipam.ipv4_pools must be a list, but is "x"',
    )
  })
  test.each<[string, object]>([
    ['k8s_auth_token', { policy: { k8s_auth_token: ['s3cret'] } }],
    ['etcd_endpoints', { etcd_endpoints: 12345 }],
    ['etcd_key_file', { etcd_key_file: 's3cret' }],
    ['readiness_gates[0]', { readiness_gates: ['s3cret@host'] }],
  ])('%s is named, its value never', (field, conf) => {
    let message = ''
    try {
      parsedConfig(conf)
    } catch (error) {
      message = (error as Error).message
    }
    expect(message).toContain(field)
    expect(message).not.toMatch(/s3cret|12345/)
  })
  test.each<[Record<string, string>, string]>([
    [{ DATASTORE_TYPE: 'consul' }, 'DATASTORE_TYPE must be'],
    [{ FELIX_INTERFACEPREFIX: 'toolong,cali' }, 'FELIX_INTERFACEPREFIX'],
    [{ FELIX_INTERFACEPREFIX: '../' }, 'FELIX_INTERFACEPREFIX'],
    [
      { ETCD_ENDPOINTS: 'http://e', ETCD_CA_CERT_FILE: 'ca.pem' },
      'ETCD_CA_CERT_FILE must be an absolute path',
    ],
    [{ KUBECONFIG: '.kube/config' }, 'KUBECONFIG must be an absolute path'],
  ])('environment %j', (env, sentence) => {
    expect(() => parsedConfig({}, env)).toThrow(sentence)
  })
})
