// Names that follow from a call: Calico's vectors, and what is refused before it becomes a name.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { goTimeText } from '../src/go-time.ts'
import {
  endpointName,
  endpointNamePrefix,
  hostInterfaceFor,
  type Identity,
  identify,
} from '../src/identity.ts'
import { nodeNameOf } from '../src/node-name.ts'
import { parsedCall, parsedConfig } from './parsed.ts'

const pod = (namespace: string, name: string, node = 'node-1'): Identity => ({
  orchestrator: 'k8s',
  namespace,
  pod: name,
  node,
  containerID: '3f0c',
  endpoint: 'eth0',
  handleID: 'net.3f0c',
  legacyHandleID: `${namespace}.${name}`,
})

describe('the interface on the host', () => {
  test.each([
    ['default', 'nginx', 'calic440f455693'],
    ['test', 'run1', 'cali6c92af41991'],
  ])('%s/%s -> %s', (namespace, name, expected) => {
    expect(hostInterfaceFor(pod(namespace, name), 'cali')).toBe(expected)
  })
  test('another prefix', () => {
    expect(hostInterfaceFor(pod('default', 'nginx'), 'tap')).toBe('tapc440f455693')
  })
  test('outside Kubernetes: the first characters of the container id', () => {
    const { pod: _, ...rest } = pod('default', 'x')
    const container = { ...rest, containerID: '0123456789abcdef' }
    expect(hostInterfaceFor(container, 'cali')).toBe('cali0123456789a')
  })
})

describe('the workload endpoint', () => {
  test('a pod', () => {
    expect(endpointName(pod('default', 'web-0', 'n-1'))).toBe('n--1-k8s-web--0-eth0')
  })
  test('a container', () => {
    const { pod: _, ...rest } = pod('default', 'x', 'n1')
    expect(endpointName({ ...rest, orchestrator: 'cni' })).toBe('n1-cni-3f0c-eth0')
  })
  const name = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/)
  test('law: different nodes and pods have different endpoints', () => {
    fc.assert(
      fc.property(name, name, name, name, (node1, pod1, node2, pod2) => {
        fc.pre(node1 !== node2 || pod1 !== pod2)
        const first = endpointName(pod('default', pod1, node1))
        expect(first).not.toBe(endpointName(pod('default', pod2, node2)))
      }),
    )
  })
  test('law: the prefix begins the name', () => {
    fc.assert(
      fc.property(name, name, (node, podName) => {
        const one = pod('default', podName, node)
        expect(endpointName(one).startsWith(endpointNamePrefix(one))).toBe(true)
      }),
    )
  })
})

describe('CNI_ARGS', () => {
  const identity = (args: string, more: object = {}) =>
    identify(parsedCall({ CNI_ARGS: args }, more), parsedConfig(more), 'node-1')

  test('a pod, keys in any order', () => {
    const args =
      'K8S_POD_INFRA_CONTAINER_ID=c1;IgnoreUnknown=1;K8S_POD_UID=9b2c;K8S_POD_NAME=web-0;K8S_POD_NAMESPACE=shop;OTHER=x'
    expect(identity(args)).toEqual({
      orchestrator: 'k8s',
      namespace: 'shop',
      pod: 'web-0',
      podUID: '9b2c',
      node: 'node-1',
      containerID: 'c1',
      endpoint: 'eth0',
      handleID: 'k8s-pod-network.c1',
      legacyHandleID: 'shop.web-0',
    })
  })
  test.each([
    ['nothing', ''],
    ['podman: a name without a namespace, whatever it looks like', 'K8S_POD_NAME=My_Container'],
    ['a namespace without a name', 'K8S_POD_NAMESPACE=shop'],
  ])('no pod: %s', (_, args) => {
    expect(identity(args)).toMatchObject({
      orchestrator: 'cni',
      namespace: 'default',
      legacyHandleID: 'c1',
    })
  })
  test('the Mesos label names the namespace', () => {
    const labels = [{ key: 'projectcalico.org/namespace', value: 'mesos-ns' }]
    const args = { 'org.apache.mesos': { network_info: { labels: { labels } } } }
    expect(identity('', { args })).toMatchObject({ namespace: 'mesos-ns' })
  })
  test.each([
    ['K8S_POD_NAMESPACE=../x;K8S_POD_NAME=a', 'K8S_POD_NAMESPACE must be a namespace name'],
    ['K8S_POD_NAMESPACE=Shop;K8S_POD_NAME=a', 'K8S_POD_NAMESPACE must be a namespace name'],
    [`K8S_POD_NAMESPACE=${'a'.repeat(64)};K8S_POD_NAME=a`, 'K8S_POD_NAMESPACE must be'],
    ['K8S_POD_NAMESPACE=shop;K8S_POD_NAME=a/b', 'K8S_POD_NAME must be a pod name'],
    ['K8S_POD_NAMESPACE=shop;K8S_POD_NAME=-a', 'K8S_POD_NAME must be a pod name'],
    ['K8S_POD_NAMESPACE=shop;K8S_POD_NAME=a;K8S_POD_UID=$(x)', 'K8S_POD_UID must be a pod UID'],
    [
      'K8S_POD_NAMESPACE=shop;K8S_POD_NAME=a;K8S_POD_INFRA_CONTAINER_ID=/',
      'K8S_POD_INFRA_CONTAINER_ID must be a container id',
    ],
  ])('refused: %s', (args, sentence) => {
    expect(() => identity(args)).toThrow(sentence)
  })
})

describe('the node name', () => {
  const name = (conf: object, files: Record<string, string>, gated = true) =>
    nodeNameOf(
      parsedConfig({ datastore_type: 'etcdv3', nodename: '', ...conf }),
      {
        readText: async (path: string) => files[path],
        hostname: () => ' Some-Host ',
      } as never,
      gated,
    )
  const file = '/var/lib/calico/nodename'
  test.each<[string, object, Record<string, string>, string]>([
    ['stated beats everything', { nodename: 'stated' }, { [file]: 'filed' }, 'stated'],
    ['then the file', { hostname: 'old' }, { [file]: 'filed\n' }, 'filed'],
    ['the file has a place of its own', { nodename_file: '/n' }, { '/n': 'filed' }, 'filed'],
    ['then hostname', { hostname: 'old', nodename_file_optional: true }, {}, 'old'],
    ['then the host’s own, lower case', { nodename_file_optional: true }, {}, 'some-host'],
    ['no gate on the local datastore', { datastore_type: 'local' }, {}, 'some-host'],
  ])('%s', async (_, conf, files, expected) => {
    expect(await name(conf, files)).toBe(expected)
  })
  test.each<[string, object, Record<string, string>, number, string]>([
    [
      'the missing file is a gate',
      { nodename: 'stated' },
      {},
      11,
      'check that the calico/node container is running',
    ],
    ['rubbish in the file', {}, { [file]: '../../x' }, 7, 'is not a node name'],
  ])('%s', async (_, conf, files, code, sentence) => {
    await expect(name(conf, files)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(sentence),
    })
  })
  test('CHECK and STATUS are not gated', async () => {
    expect(await name({ nodename: 'stated' }, {}, false)).toBe('stated')
  })
})

describe('the timestamp of an allocation, as Go prints it', () => {
  test.each([
    [1_785_578_405_123_456_789n, '2026-08-01 10:00:05.123456789 +0000 UTC'],
    [1_785_578_405_100_000_000n, '2026-08-01 10:00:05.1 +0000 UTC'],
    [1_785_578_405_000_000_000n, '2026-08-01 10:00:05 +0000 UTC'],
    [1_785_578_405_000_000_001n, '2026-08-01 10:00:05.000000001 +0000 UTC'],
  ])('%s', (nanoseconds, expected) => {
    expect(goTimeText(nanoseconds)).toBe(expected)
  })
})
