// ADD of the main plugin: the result, what stands in datastore and kernel, and that a failure
// leaves nothing behind.
import { describe, expect, test } from 'vitest'
import { annotated, netns, nodeWrite, pool, poolWrite, World } from '../world.ts'

const dual = { ipam: { type: 'calico-ipam', assign_ipv6: 'true' } }
const add = { command: 'ADD' } as const

describe('the result', () => {
  test('both ends of the link, every address on the container’s, no gateway', async () => {
    const world = await World.create()
    const args = world.pod('run1', 'test')
    const { document } = await world.run({ ...add, args, conf: { ...dual, mtu: 1450 } })
    const [four, six] = document.ips
    expect(document).toEqual({
      cniVersion: '1.1.0',
      interfaces: [
        { name: 'cali6c92af41991' },
        { name: 'eth0', mac: '0a:58:00:00:00:01', mtu: 1450, sandbox: netns('a') },
      ],
      ips: [
        { interface: 1, address: expect.stringMatching(/^10\.244\..*\/32$/) },
        { interface: 1, address: expect.stringMatching(/^fd80:24e2:.*\/128$/) },
      ],
      routes: [
        { dst: four.address.replace('/32', '/26') },
        { dst: six.address.replace('/128', '/122') },
      ],
      dns: {},
    })
  })
  test('replayed: the same addresses, one link, one endpoint', async () => {
    const world = await World.create()
    const call = { ...add, args: world.pod('web-0'), conf: dual }
    const first = await world.run(call)
    const second = await world.run(call)
    expect(second.document.ips).toEqual(first.document.ips)
    expect(world.kernel.links).toHaveLength(1)
    expect(await world.list('WorkloadEndpoint')).toHaveLength(1)
    expect(await world.held()).toEqual({ 'k8s-pod-network.c1': 2 })
  })
})

describe('the wiring', () => {
  test('what the kernel is asked for', async () => {
    const world = await World.create()
    world.files.set('/var/lib/calico/mtu', '1440\n')
    const conf = annotated(
      { hwAddr: '0A:58:0A:00:00:01' },
      { ...dual, num_queues: 4, container_settings: { allow_ip_forwarding: true } },
    )
    const { document } = await world.run({ ...add, args: world.pod('nginx'), conf })
    expect(world.kernel.requests).toEqual([
      {
        netns: netns('a'),
        containerInterface: 'eth0',
        hostInterface: 'calic440f455693',
        mtu: 1440,
        numQueues: 4,
        deviceType: 'veth',
        addresses: document.ips.map((ip: { address: string }) => ip.address.split('/')[0]),
        routes: [{ dst: '0.0.0.0/0' }, { dst: '::/0' }],
        containerMAC: '0a:58:0a:00:00:01',
        allowIPForwarding: true,
        skipHostRoutes: false,
      },
    ])
    expect(document.interfaces[1].mac).toBe('0a:58:0a:00:00:01')
  })
  test('IPv4 alone has no IPv6 route', async () => {
    const world = await World.create()
    await world.run(add)
    expect(world.kernel.links[0]?.routes).toEqual(['0.0.0.0/0'])
  })
  test('the lock is not held meanwhile', async () => {
    const world = await World.create()
    await world.run(add)
    await world.run({ command: 'DEL' })
    expect(world.lockFiles).toHaveLength(2)
    expect(world.kernel.underLock).toEqual([])
  })
  test.each<[string, Record<string, string>, object, number, string]>([
    [
      'rubbish in the MTU file',
      { '/var/lib/calico/mtu': 'big' },
      {},
      7,
      '/var/lib/calico/mtu must contain a whole number',
    ],
    [
      'no MTU file where one is required',
      {},
      { require_mtu_file: true },
      11,
      'require_mtu_file is set',
    ],
  ])('%s', async (_, files, conf, code, sentence) => {
    const world = await World.create()
    for (const [path, content] of Object.entries(files)) world.files.set(path, content)
    const before = await world.picture()
    const { document } = await world.run({ ...add, conf })
    expect(document).toMatchObject({ code, msg: expect.stringContaining(sentence) })
    expect(await world.picture()).toBe(before)
  })
})

describe('the endpoint', () => {
  test('of a pod', async () => {
    const world = await World.create()
    const conf = annotated(
      { allowedSourcePrefixes: '["10.9.0.0/16"]', floatingIPs: '["192.0.2.1"]' },
      { feature_control: { floating_ips: true }, policy: { type: 'k8s' } },
    )
    const args = world.pod('web-0', 'shop', ';K8S_POD_UID=9b2c')
    const { document } = await world.run({ ...add, args, conf })
    const [address] = document.ips.map((ip: { address: string }) => ip.address)
    expect(await world.list('WorkloadEndpoint')).toEqual([
      {
        namespace: 'shop',
        name: 'node--1-k8s-web--0-eth0',
        endpoint: 'eth0',
        labels: {
          'projectcalico.org/namespace': 'shop',
          'projectcalico.org/orchestrator': 'k8s',
        },
        orchestrator: 'k8s',
        pod: 'web-0',
        podUID: '9b2c',
        // As Calico's own client makes it: calicoctl could not update the endpoint otherwise.
        unknownFields: {
          metadata: {
            uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
            creationTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
          },
        },
        node: 'node-1',
        containerID: 'c1',
        ipNetworks: [address],
        ipNATs: [{ internalIP: address.split('/')[0], externalIP: '192.0.2.1' }],
        profiles: ['kns.shop'],
        interfaceName: document.interfaces[0].name,
        mac: document.interfaces[1].mac,
        allowSpoofedSourcePrefixes: ['10.9.0.0/16'],
      },
    ])
    expect(await world.list('Profile')).toEqual([])
  })
  test('of a container, with the network’s profile and cleaned Mesos labels', async () => {
    const world = await World.create()
    const labels = [{ key: 'a/b', value: '-x..y/' }]
    const args = { 'org.apache.mesos': { network_info: { labels: { labels } } } }
    await world.run({ ...add, id: '0123456789abcdef', conf: { args } })
    expect(await world.list('WorkloadEndpoint')).toMatchObject([
      {
        namespace: 'default',
        name: 'node--1-cni-0123456789abcdef-eth0',
        workload: '0123456789abcdef',
        labels: { 'a.b': 'x.y' },
        profiles: ['k8s-pod-network'],
        interfaceName: 'cali0123456789a',
      },
    ])
    expect(await world.list('Profile')).toEqual([
      {
        name: 'k8s-pod-network',
        labelsToApply: { 'k8s-pod-network': '' },
        ingressFrom: 'has(k8s-pod-network)',
      },
    ])
  })
  test('a profile that exists is left as it is', async () => {
    const world = await World.create()
    const value = { name: 'k8s-pod-network', labelsToApply: { mine: '' } }
    await world.seed([{ op: 'create', key: { kind: 'Profile', name: value.name }, value }])
    await world.run(add)
    expect(await world.list('Profile')).toEqual([value])
  })
  test('a container that joins a second network keeps interface and addresses', async () => {
    const world = await World.create()
    const first = await world.run(add)
    const second = await world.run({ ...add, conf: { name: 'second' } })
    expect(second.document.ips).toEqual(first.document.ips)
    expect(world.kernel.links).toHaveLength(1)
    expect((await world.list('WorkloadEndpoint'))[0].profiles).toEqual([
      'k8s-pod-network',
      'second',
    ])
    expect(await world.held()).toEqual({ 'k8s-pod-network.c1': 1 })
  })
})

describe('a new container of the same pod', () => {
  test('gets a new address and takes the endpoint over', async () => {
    const world = await World.create()
    const args = world.pod('web-0')
    const first = await world.run({ ...add, args })
    const second = await world.run({ ...add, id: 'c2', ns: 'b', args })
    expect(second.document.ips).not.toEqual(first.document.ips)
    expect(await world.list('WorkloadEndpoint')).toMatchObject([{ containerID: 'c2' }])
    expect(world.kernel.links).toMatchObject([{ netns: netns('b') }])
  })
  test('with a pinned address takes that over as well', async () => {
    const world = await World.create()
    const call = {
      ...add,
      args: world.pod('web-0'),
      conf: annotated({ ipAddrs: '["10.244.7.7"]' }),
    }
    await world.run(call)
    const { document } = await world.run({ ...call, id: 'c2', ns: 'b' })
    expect(document.ips).toEqual([{ interface: 1, address: '10.244.7.7/32' }])
    expect(await world.held()).toEqual({ 'k8s-pod-network.c2': 1 })
    await world.run({ command: 'DEL', args: world.pod('web-0'), conf: call.conf })
    expect(await world.held()).toEqual({ 'k8s-pod-network.c2': 1 })
    expect(await world.list('WorkloadEndpoint')).toMatchObject([{ containerID: 'c2' }])
  })
  test.each([
    ['another pod', 'web-1', 'node-1'],
    ['the same pod on another node', 'web-0', 'node-2'],
  ])('but %s does not give its address up', async (_, name, nodename) => {
    const world = await World.create()
    await world.seed([nodeWrite('node-2')])
    const conf = annotated({ ipAddrs: '["10.244.7.7"]' })
    await world.run({ ...add, args: world.pod('web-0'), conf })
    const before = await world.picture()
    const call = { ...add, id: 'c2', ns: 'b', args: world.pod(name), conf: { ...conf, nodename } }
    const { document } = await world.run(call)
    expect(document.code).toBe(101)
    expect(await world.picture()).toBe(before)
  })
  test('with another interface name for the same container is refused', async () => {
    const world = await World.create()
    const args = world.pod('web-0')
    await world.run({ ...add, args })
    const before = await world.picture()
    const { document } = await world.run({ ...add, args, ifName: 'eth1' })
    expect(document).toMatchObject({
      code: 4,
      msg: expect.stringContaining('already has the interface "eth0"'),
    })
    expect(await world.picture()).toBe(before)
  })
})

describe('past IPAM', () => {
  const conf = annotated(
    { ipAddrsNoIpam: '["10.9.9.9"]' },
    { feature_control: { ip_addrs_no_ipam: true } },
  )
  test('the addresses are the pod’s business', async () => {
    const world = await World.create()
    const args = world.pod('web-0')
    const { document } = await world.run({ ...add, args, conf })
    expect(document.ips).toEqual([{ interface: 1, address: '10.9.9.9/32' }])
    expect(await world.held()).toEqual({})
    expect(
      await world.run({ command: 'CHECK', args, conf: { ...conf, prevResult: document } }),
    ).toMatchObject({ code: 0 })
    expect(await world.run({ command: 'DEL', args, conf })).toMatchObject({ code: 0 })
    expect(world.kernel.links).toEqual([])
  })
})

describe('a failed ADD leaves nothing behind', () => {
  const failing = async (prepare: (world: World) => void | Promise<void>, call: object = {}) => {
    const world = await World.create()
    await prepare(world)
    // The host's first block and its affinity stay: they are the node's, not the container's.
    await world.run({ ...add, id: 'before', ns: 'd', args: world.pod('before') })
    const before = [
      world.kernel.picture(),
      await world.held(),
      await world.list('WorkloadEndpoint'),
      await world.list('Handle'),
    ]
    const answer = await world.run({ ...add, args: world.pod('web-0'), ...call })
    const after = [
      world.kernel.picture(),
      await world.held(),
      await world.list('WorkloadEndpoint'),
      await world.list('Handle'),
    ]
    expect(after).toEqual(before)
    return answer.document
  }
  test('the kernel refuses', async () => {
    const world = await World.create()
    world.kernel.failing.add('addWorkload')
    const { document } = await world.run(add)
    expect(document).toMatchObject({
      code: 103,
      msg: expect.stringContaining('addWorkload: operation not permitted'),
    })
    expect(await world.held()).toEqual({})
    expect(await world.list('Handle')).toEqual([])
    expect(await world.list('WorkloadEndpoint')).toEqual([])
  })
  test('the address is routed elsewhere on this host', async () => {
    const conf = annotated({ ipAddrs: '["10.244.7.7"]' })
    const document = await failing(
      (world) => {
        world.kernel.hostRoutes.set('10.244.7.7', 'eth9')
      },
      { conf },
    )
    expect(document).toMatchObject({
      code: 103,
      msg: expect.stringContaining('10.244.7.7 is routed to eth9'),
    })
  })
  test('the endpoint cannot be written', async () => {
    const document = await failing((world) => {
      world.failWrites = (write) =>
        write.key.kind === 'WorkloadEndpoint' && JSON.stringify(write).includes('web-0')
    })
    expect(document).toMatchObject({ code: 11 })
  })
  test('a floating address has no partner', async () => {
    const conf = annotated(
      { floatingIPs: '["2001:db8::1"]' },
      { feature_control: { floating_ips: true } },
    )
    expect(await failing(() => {}, { conf })).toMatchObject({ code: 7 })
  })
  test('no room in the second family', async () => {
    const document = await failing(
      (world) => world.seed([poolWrite(pool('fd99::/122', { disabled: true }))]),
      {
        conf: { ipam: { type: 'hc-calico-ipam', assign_ipv6: 'true', ipv6_pools: ['fd99::/122'] } },
      },
    )
    expect(document).toMatchObject({ code: 101, msg: expect.stringContaining('fd99::/122') })
  })
})

describe('readiness', () => {
  const etcd = { datastore_type: 'etcdv3', nodename_file_optional: true }
  const ready = (datastoreReady?: boolean) =>
    ({
      op: 'create',
      key: { kind: 'ClusterInformation' },
      value: datastoreReady === undefined ? {} : { datastoreReady },
    }) as const
  test.each<[string, ReadonlyArray<ReturnType<typeof ready>>, string | undefined]>([
    ['ready', [ready(true)], undefined],
    ['locked', [ready(false)], 'Calico is currently not ready to process requests'],
    ['says nothing', [ready()], 'does not say datastoreReady'],
    ['missing', [], 'error getting ClusterInformation: resource does not exist'],
  ])('%s', async (_, writes, sentence) => {
    const world = await World.create()
    await world.seed(writes)
    for (const command of ['ADD', 'DEL']) {
      const before = await world.picture()
      const { code, document } = await world.run({ command, conf: etcd })
      if (sentence === undefined) {
        expect(code).toBe(0)
      } else {
        expect(document).toMatchObject({ code: 11, msg: expect.stringContaining(sentence) })
        expect(await world.picture()).toBe(before)
      }
    }
  })
  test('calico/node’s file is a gate where Calico runs', async () => {
    const world = await World.create()
    await world.seed([ready(true)])
    const { document } = await world.run({ ...add, conf: { datastore_type: 'etcdv3' } })
    expect(document).toMatchObject({
      code: 11,
      msg: expect.stringContaining('/var/lib/calico/nodename'),
    })
    world.files.set('/var/lib/calico/nodename', 'node-1')
    expect(await world.run({ ...add, conf: { datastore_type: 'etcdv3' } })).toMatchObject({
      code: 0,
    })
  })
  const gates = { readiness_gates: ['http://user:s3cret@127.0.0.1:9/ready?token=s3cret'] }
  test('a gate that opens in time', async () => {
    const world = await World.create()
    world.httpAnswers = [503, 204]
    expect(await world.run({ ...add, conf: gates })).toMatchObject({ code: 0 })
  })
  test('a gate that stays closed, and its secrets', async () => {
    const world = await World.create()
    const { document } = await world.run({ ...add, conf: gates })
    expect(document).toMatchObject({
      code: 11,
      msg: 'readiness gate http://127.0.0.1:9/ready did not become ready within 30 s',
    })
    expect(world.kernel.links).toEqual([])
  })
  test('waiting for policy ends, with or without it', async () => {
    const world = await World.create()
    const conf = { policy_setup_timeout_seconds: 2 }
    expect(await world.run({ ...add, args: world.pod('web-0'), conf })).toMatchObject({ code: 0 })
    world.files.set('/var/run/calico/endpoint-status/k8s default%2Fweb-1 eth0', 'x')
    expect(
      await world.run({ ...add, id: 'c2', ns: 'b', args: world.pod('web-1'), conf }),
    ).toMatchObject({ code: 0 })
  })
})
