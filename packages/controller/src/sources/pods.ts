/** Pods: who they are, where they run, which addresses they have, whose they are. */
import { formatIPAddress, parseIPAddress } from '@hc-calico/ipam-core/ip'
import type { Intern } from './interned.ts'
import type { KubeObject, KubeResource } from './kube-source.ts'

export interface PodOwner {
  readonly kind: string
  readonly name: string
  /** `apps/v1`, `apps.kruise.io/v1beta1`. */
  readonly apiVersion: string
  readonly uid: string
}

export interface PodFacts {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  /** Empty until it is scheduled. */
  readonly node: string
  /** Of its status and of Calico's annotations; empty while it starts. Without prefix lengths. */
  readonly ips: ReadonlyArray<string>
  /** Of its other networks, as Multus writes them down. */
  readonly networkIPs: ReadonlyArray<string>
  readonly phase: string
  /** Phase `Failed`, reason `Evicted`. */
  readonly isEvicted: boolean
  /** Deletion has begun. */
  readonly isTerminating: boolean
  readonly hostNetwork: boolean
  /** The annotations that mean something to us (`keptAnnotations`), where there are any. */
  readonly annotations: Readonly<Record<string, string>>
  /** The owner of kind StatefulSet, of any group; else the controlling one. */
  readonly owner?: PodOwner
}

export const fixedAnnotation = 'fixed.ipam.harmonycloud.cn'
export const serviceAnnotation = 'serviceIPPoolcrd'

export const poolAnnotations: ReadonlyArray<string> = [
  'cni.projectcalico.org/ipv4pools',
  'cni.projectcalico.org/ipv6pools',
]

export const keptAnnotations: ReadonlyArray<string> = [
  fixedAnnotation,
  serviceAnnotation,
  ...poolAnnotations,
]

const podIPAnnotations = ['cni.projectcalico.org/podIP', 'cni.projectcalico.org/podIPs']
const none: Readonly<Record<string, string>> = {}

interface PodObject extends KubeObject {
  readonly spec?: { readonly nodeName?: string; readonly hostNetwork?: boolean }
  readonly status?: {
    readonly phase?: string
    readonly reason?: string
    readonly podIP?: string
    readonly podIPs?: ReadonlyArray<{ readonly ip?: string }>
  }
}

/** As blocks spell addresses; what is none stays as it is. */
const bare = (text: string): string => {
  const ip = text.trim().replace(/\/\d+$/, '')
  if (!ip.includes(':')) return ip
  const address = parseIPAddress(ip)
  return address._tag === 'Left' ? ip : formatIPAddress(address.right)
}

const ipsOf = ({ metadata = {}, status = {} }: PodObject): ReadonlyArray<string> => {
  const annotated = podIPAnnotations.flatMap((key) => metadata.annotations?.[key]?.split(',') ?? [])
  const stated = [status.podIP ?? '', ...(status.podIPs ?? []).map(({ ip = '' }) => ip)]
  return [...new Set([...annotated, ...stated].map(bare))].filter((ip) => ip !== '')
}

const networkAnnotations = [
  'k8s.v1.cni.cncf.io/network-status',
  'k8s.v1.cni.cncf.io/networks-status',
]
const noIPs: ReadonlyArray<string> = []

/** What nobody can read says nothing. */
const networksIn = (text: string): ReadonlyArray<string> => {
  try {
    const networks = JSON.parse(text) as ReadonlyArray<{ readonly ips?: unknown }>
    return networks.flatMap(({ ips }) =>
      Array.isArray(ips) ? ips.map((ip) => bare(String(ip))) : [],
    )
  } catch {
    return noIPs
  }
}

const networkIPsOf = ({ metadata = {} }: PodObject): ReadonlyArray<string> => {
  const texts = networkAnnotations.flatMap((key) => metadata.annotations?.[key] ?? [])
  return texts.length === 0 ? noIPs : [...new Set(texts.flatMap(networksIn))]
}

const annotationsOf = ({ metadata }: PodObject): Readonly<Record<string, string>> => {
  const all = metadata?.annotations
  if (all === undefined) return none
  const kept = keptAnnotations.flatMap((key) => {
    const value = all[key]
    return value === undefined ? [] : [[key, value] as const]
  })
  return kept.length === 0 ? none : Object.fromEntries(kept)
}

const ownerOf = ({ metadata }: PodObject, intern: Intern): PodOwner | undefined => {
  const owners = metadata?.ownerReferences ?? []
  const owner =
    owners.find(({ kind }) => kind === 'StatefulSet') ?? owners.find((o) => o.controller)
  if (owner === undefined) return undefined
  const { kind = '', name = '', apiVersion = '', uid = '' } = owner
  return {
    kind: intern(kind),
    name: intern(name),
    apiVersion: intern(apiVersion),
    uid: intern(uid),
  }
}

export const podKey = (namespace: string, name: string): string => `${namespace}/${name}`

export const podsResource = (intern: Intern): KubeResource<PodFacts> => ({
  path: '/api/v1/pods',
  read: (object) => {
    const { metadata = {}, spec = {}, status = {} } = object as PodObject
    const { name = '', uid = '' } = metadata
    const namespace = intern(metadata.namespace ?? 'default')
    const owner = ownerOf(object as PodObject, intern)
    const facts: PodFacts = {
      namespace,
      name,
      uid,
      node: intern(spec.nodeName ?? ''),
      ips: ipsOf(object as PodObject),
      networkIPs: networkIPsOf(object as PodObject),
      phase: intern(status.phase ?? ''),
      isEvicted: status.phase === 'Failed' && status.reason === 'Evicted',
      isTerminating: metadata.deletionTimestamp !== undefined,
      hostNetwork: spec.hostNetwork === true,
      annotations: annotationsOf(object as PodObject),
      ...(owner === undefined ? {} : { owner }),
    }
    return [podKey(namespace, name), facts]
  },
})
