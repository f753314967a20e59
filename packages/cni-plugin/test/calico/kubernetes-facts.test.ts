// Pods, namespaces and nodes as the Kubernetes API tells of them: what is asked, what it changes.
import { describe, expect, test } from 'vitest'
import { nodeWrite, pool, poolWrite, seeds, World } from '../world.ts'

const kubernetes = { kubeconfig: '/etc/cni/net.d/calico-kubeconfig' }
const conf = { policy: { type: 'k8s' }, kubernetes }
const podPath = '/api/v1/namespaces/default/pods/web-0'
const namespacePath = '/api/v1/namespaces/default'

interface Facts {
  readonly pod?: object
  readonly annotations?: object
  readonly labels?: object
  readonly namespace?: object
}

const worldWith = async ({ pod, namespace, ...metadata }: Facts = {}, writes = seeds) => {
  const world = await World.create(writes)
  world.kubernetes.set(podPath, {
    kind: 'Pod',
    metadata: { name: 'web-0', namespace: 'default', uid: 'u-1', ...metadata },
    spec: { nodeName: 'node-1', serviceAccountName: 'sa' },
    ...pod,
  })
  world.kubernetes.set(namespacePath, {
    kind: 'Namespace',
    metadata: { name: 'default', ...namespace },
  })
  return world
}

const add = (world: World, more: object = conf) =>
  world.run({ command: 'ADD', args: world.pod('web-0', 'default'), conf: more })

const addresses = ({ document }: { document: { ips: ReadonlyArray<{ address: string }> } }) =>
  document.ips.map((ip) => ip.address)

test('pod and namespace are asked for once each', async () => {
  const world = await worldWith()
  expect((await add(world)).code).toBe(0)
  expect(world.kubernetesCalls.toSorted()).toEqual([namespacePath, podPath])
})

test('without policy for Kubernetes only the namespace is, for its labels', async () => {
  const world = await worldWith()
  expect((await add(world, { kubernetes })).code).toBe(0)
  expect(world.kubernetesCalls).toEqual([namespacePath])
})

test('without a kubeconfig nobody is asked', async () => {
  const world = await worldWith()
  expect((await add(world, { policy: { type: 'k8s' } })).code).toBe(0)
  expect(world.kubernetesCalls).toEqual([])
})

describe('annotations', () => {
  const pools = [...seeds, poolWrite(pool('10.9.0.0/24')), poolWrite(pool('10.8.0.0/24'))]
  const wants = (cidr: string) => ({
    annotations: { 'cni.projectcalico.org/ipv4pools': JSON.stringify([cidr]) },
  })
  test.each<[string, Facts, RegExp]>([
    ['of the pod count', wants('10.9.0.0/24'), /^10\.9\.0\./],
    ['of the namespace count', { namespace: wants('10.9.0.0/24') }, /^10\.9\.0\./],
    [
      'of the pod beat the namespace’s',
      { ...wants('10.9.0.0/24'), namespace: wants('10.8.0.0/24') },
      /^10\.9\.0\./,
    ],
  ])('%s', async (_, facts, expected) => {
    expect(addresses(await add(await worldWith(facts, pools)))[0]).toMatch(expected)
  })
})

test('namespace selectors of pools see the namespace’s labels', async () => {
  const writes = [
    nodeWrite('node-1'),
    poolWrite(pool('10.1.0.0/24', { namespaceSelector: 'team == "blue"' })),
    poolWrite(pool('10.2.0.0/24', { namespaceSelector: 'team == "red"' })),
  ]
  const world = await worldWith({ namespace: { labels: { team: 'red' } } }, writes)
  expect(addresses(await add(world))[0]).toMatch(/^10\.2\.0\./)
})

test('the endpoint has the pod’s labels, uid and profiles', async () => {
  const world = await worldWith({ labels: { app: 'web' } })
  await add(world)
  const [endpoint] = await world.list('WorkloadEndpoint')
  expect(endpoint).toMatchObject({
    podUID: 'u-1',
    serviceAccountName: 'sa',
    profiles: ['kns.default', 'ksa.default.sa'],
    labels: { app: 'web', 'projectcalico.org/serviceaccount': 'sa' },
  })
})

describe('refusals leave nothing', () => {
  test.each<[string, string, object | number, string]>([
    ['no such pod', podPath, 404, 'failed to get pod default/web-0: there is none of this name'],
    [
      'no such namespace',
      namespacePath,
      404,
      'failed to get namespace default: there is none of this name',
    ],
    [
      'no permission',
      podPath,
      403,
      'failed to get pod default/web-0: the role of the plugin needs the permission to get pods',
    ],
    [
      'a bad token',
      podPath,
      401,
      'failed to get pod default/web-0: the credentials of the plugin are not accepted',
    ],
    [
      'a server in trouble',
      podPath,
      500,
      'failed to get pod default/web-0: the Kubernetes API answered with HTTP status 500',
    ],
    ['not a pod', podPath, { kind: 'Pod' }, 'failed to read pod default/web-0: metadata'],
  ])('%s', async (_, path, answer, sentence) => {
    const world = await worldWith()
    world.kubernetes.set(path, answer)
    const { code, document } = await add(world)
    expect(code).toBe(1)
    expect(document).toMatchObject({ code: 11, msg: expect.stringContaining(sentence) })
    expect(await world.held()).toEqual({})
  })

  test('a pod that was replaced', async () => {
    const world = await worldWith()
    const args = `${world.pod('web-0', 'default')};K8S_POD_UID=u-0`
    const { document } = await world.run({ command: 'ADD', args, conf })
    expect(document.msg).toContain('the pod default/web-0 was replaced')
    expect(await world.held()).toEqual({})
  })
})

describe('usePodCidr', () => {
  const node = (podCIDRs: ReadonlyArray<string>) => ({
    metadata: { name: 'node-1' },
    spec: { podCIDRs },
  })
  const hostLocal = async (podCIDRs: ReadonlyArray<string>, subnet: string, more: object = {}) => {
    const world = await worldWith()
    const documents: { readonly ipam: { readonly subnet: string } }[] = []
    world.kubernetes.set('/api/v1/nodes/node-1', node(podCIDRs))
    world.executables.set('/opt/cni/bin/host-local', ({ stdin }) => {
      documents.push(JSON.parse(stdin))
      const ips = [{ version: '4', address: '10.64.1.5/24' }]
      return { exitCode: 0, stdout: JSON.stringify({ cniVersion: '0.4.0', ips }), stderr: '' }
    })
    const answer = await add(world, { ...conf, ipam: { type: 'host-local', subnet }, ...more })
    return { answer, world, subnets: documents.map(({ ipam }) => ipam.subnet) }
  }

  test('is the node’s pod CIDR of the family', async () => {
    const both = ['10.64.1.0/24', 'fd64::/64']
    expect((await hostLocal(both, 'usePodCidr')).subnets).toEqual(['10.64.1.0/24'])
    expect((await hostLocal(both, 'usePodCidrIPv6')).subnets).toEqual(['fd64::/64'])
  })

  test('costs one request', async () => {
    const { world } = await hostLocal(['10.64.1.0/24'], 'usePodCidr')
    expect(world.kubernetesCalls.filter((path) => path.includes('/nodes/'))).toHaveLength(1)
  })

  test.each([
    [
      [],
      'usePodCidr found but there is no IPv4 CIDR configured for node node-1 (spec.podCIDRs: empty)',
    ],
    [['10.64.1.0/24', '10.65.1.0/24'], 'usePodCidr found but there are 2 for node node-1'],
  ])('%j is refused', async (podCIDRs, sentence) => {
    const { answer, subnets } = await hostLocal(podCIDRs, 'usePodCidr')
    expect(answer.document).toMatchObject({ code: 7, msg: expect.stringContaining(sentence) })
    expect(subnets).toEqual([])
  })
})
