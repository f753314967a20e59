// Kubernetes' own objects as Calico reads them.
import { type Either, isLeft } from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import {
  decodeNamespace,
  decodeNode,
  decodePod,
  deletedEndpointAnnotations,
  endpointAnnotations,
  isWorkload,
  podNetworks,
  workloadEndpointOf,
} from '../src/core/index.ts'

const ok = <A>(decoded: Either<string, A>): A => {
  if (isLeft(decoded)) throw new Error(decoded.left)
  return decoded.right
}

describe('Node', () => {
  test('Kubernetes labels win over those set through Calico', () => {
    const node = ok(
      decodeNode({
        metadata: {
          name: 'n1',
          uid: 'u',
          labels: { rack: '1', zone: 'a' },
          annotations: { 'projectcalico.org/labels': '{"rack":"calico","extra":"x"}' },
        },
        spec: { podCIDRs: ['10.0.0.0/24', 'fd00::/64'], taints: [] },
      }),
    )
    expect(node).toMatchObject({
      name: 'n1',
      labels: { rack: '1', zone: 'a', extra: 'x' },
      podCIDRs: ['10.0.0.0/24', 'fd00::/64'],
    })
  })

  test.each([['not json'], ['[]'], [''], ['{"a":1}']])(
    'an unreadable label annotation (%s) does not make the node unreadable',
    (annotation) => {
      const annotations = { 'projectcalico.org/labels': annotation }
      const metadata = { name: 'n1', labels: { rack: '1' }, annotations }
      expect(ok(decodeNode({ metadata, spec: { podCIDR: '10.0.0.0/24' } }))).toMatchObject({
        labels: { rack: '1' },
        podCIDRs: ['10.0.0.0/24'],
      })
    },
  )
})

test('Namespace', () => {
  const labels = { team: 'x' }
  const annotations = { 'cni.projectcalico.org/ipv4pools': '["p"]' }
  const namespace = ok(decodeNamespace({ metadata: { name: 'shop', labels, annotations } }))
  expect(namespace).toEqual({ name: 'shop', labels, annotations })
  const refused = decodeNamespace({ metadata: { labels } })
  expect(refused).toMatchObject({
    left: 'metadata.name: expected a non-empty string, got nothing',
  })
})

const metadata = { name: 'web-0', namespace: 'shop', generateName: 'web-', uid: 'u-1' }
const owner = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  name: 'web',
  uid: 'u-0',
  controller: true,
}
const pod = (change: {
  annotations?: Record<string, string>
  status?: object
  spec?: object
  deletionTimestamp?: string
}) => {
  const { annotations = {}, status = {}, spec = {}, ...rest } = change
  return ok(
    decodePod({
      metadata: {
        ...metadata,
        labels: { app: 'web' },
        annotations,
        ...rest,
        ownerReferences: [owner],
      },
      spec: { nodeName: 'n-1', ...spec },
      status,
    }),
  )
}

describe('Pod', () => {
  const status = { podIP: '10.9.0.1', podIPs: [{ ip: '10.9.0.2' }, { ip: 'FD00::2' }] }
  const podIP = 'cni.projectcalico.org/podIP'
  const podIPs = 'cni.projectcalico.org/podIPs'
  const aws = 'vpc.amazonaws.com/pod-ips'
  const all = { [podIP]: '10.9.0.5/32', [podIPs]: '10.9.0.3/32,fd00::3/128', [aws]: '10.9.0.6' }

  test.each([
    ['status.podIPs first', { status, annotations: all }, ['10.9.0.2/32', 'fd00::2/128']],
    ['then status.podIP', { status: { podIP: '10.9.0.1' }, annotations: all }, ['10.9.0.1/32']],
    ['then the annotation podIPs', { annotations: all }, ['10.9.0.3/32', 'fd00::3/128']],
    ['then the annotation podIP', { annotations: { ...all, [podIPs]: '' } }, ['10.9.0.5/32']],
    [
      'then that of AWS',
      { annotations: { [aws]: '10.9.0.6, 10.9.0.7' } },
      ['10.9.0.6/32', '10.9.0.7/32'],
    ],
    ['none at all', {}, []],
    ['what is no address does not count', { annotations: { [podIPs]: 'x,/32' } }, []],
    ['none once it succeeded', { status: { ...status, phase: 'Succeeded' } }, []],
    ['none once it failed', { status: { ...status, phase: 'Failed' } }, []],
    [
      'none once deletion has emptied the annotation',
      { status, annotations: { [podIP]: '' }, deletionTimestamp: '2026-08-01T10:00:00Z' },
      [],
    ],
    [
      'still its addresses while it is only being deleted',
      { status: { podIP: '10.9.0.1' }, deletionTimestamp: '2026-08-01T10:00:00Z' },
      ['10.9.0.1/32'],
    ],
  ])('%s', (_name, change, networks) => {
    expect(podNetworks(pod(change))).toEqual(networks)
  })

  test.each([
    ['a scheduled pod with an address', { status }, true],
    ['a pod without address', {}, false],
    ['a pod in the network of its host', { status, spec: { hostNetwork: true } }, false],
    ['a pod that is not scheduled', { status, spec: { nodeName: '' } }, false],
  ])('%s: is a workload of Calico: %s', (_name, change, expected) => {
    expect(isWorkload(pod(change))).toBe(expected)
  })

  test('its workload endpoint follows from it', () => {
    const ports = [
      { name: 'http', containerPort: 80 },
      { containerPort: 81 },
      { containerPort: 82, hostPort: 8082, hostIP: '192.0.2.1', protocol: 'UDP' },
      { name: 'odd', containerPort: 83, protocol: 'QUIC' },
    ]
    const annotations = {
      'cni.projectcalico.org/containerID': '3f0c',
      'cni.projectcalico.org/floatingIPs': '["192.0.2.7","2001:db8::7","x"]',
      'cni.projectcalico.org/allowedSourcePrefixes': '["192.0.2.0/24"]',
    }
    const spec = { serviceAccountName: 'sa', containers: [{ ports }], initContainers: [{}] }
    expect(workloadEndpointOf(pod({ status, annotations, spec }), 'cali0123456789a')).toEqual({
      namespace: 'shop',
      name: 'n--1-k8s-web--0-eth0',
      labels: {
        app: 'web',
        'projectcalico.org/namespace': 'shop',
        'projectcalico.org/orchestrator': 'k8s',
        'projectcalico.org/serviceaccount': 'sa',
      },
      generateName: 'web-',
      orchestrator: 'k8s',
      node: 'n-1',
      containerID: '3f0c',
      pod: 'web-0',
      endpoint: 'eth0',
      serviceAccountName: 'sa',
      ipNetworks: ['10.9.0.2/32', 'fd00::2/128'],
      ipNATs: [
        { internalIP: '10.9.0.2', externalIP: '192.0.2.7' },
        { internalIP: 'fd00::2', externalIP: '2001:db8::7' },
      ],
      profiles: ['kns.shop', 'ksa.shop.sa'],
      interfaceName: 'cali0123456789a',
      ports: [
        { name: 'http', protocol: 'TCP', port: 80 },
        { name: '', protocol: 'UDP', port: 82, hostPort: 8082, hostIP: '192.0.2.1' },
      ],
      allowSpoofedSourcePrefixes: ['192.0.2.0/24'],
      podUID: 'u-1',
    })
    expect(pod({}).ownerReferences).toEqual([owner])
  })

  test('a service account name that fits no label is no label', () => {
    const endpoint = (length: number) => {
      const spec = { serviceAccountName: 'a'.repeat(length) }
      return workloadEndpointOf(pod({ spec }), 'cali0').labels
    }
    expect(endpoint(62)).toHaveProperty(['projectcalico.org/serviceaccount'])
    expect(endpoint(63)).not.toHaveProperty(['projectcalico.org/serviceaccount'])
  })

  test('what is written on the pod is what is read from it', () => {
    const ipNetworks = ['10.9.0.9/32', 'fd00::1/128']
    const annotations = endpointAnnotations({ ipNetworks, containerID: '3f0c' })
    expect(annotations).toEqual({
      'cni.projectcalico.org/podIP': '10.9.0.9/32',
      'cni.projectcalico.org/podIPs': '10.9.0.9/32,fd00::1/128',
      'cni.projectcalico.org/containerID': '3f0c',
    })
    expect(podNetworks(pod({ annotations }))).toEqual(ipNetworks)
    const emptied = { ...annotations, ...deletedEndpointAnnotations }
    expect(podNetworks(pod({ annotations: emptied }))).toEqual([])
    expect(emptied).toHaveProperty(['cni.projectcalico.org/containerID'], '3f0c')
  })
})
