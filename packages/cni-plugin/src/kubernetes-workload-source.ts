/**
 * What the Kubernetes API says about a pod, its namespace and a node. With policy for Kubernetes
 * the pod counts (labels, annotations, ports, service account); otherwise only the namespace's
 * labels, for the namespace selectors of pools: Calico's rule. Both are asked for at once.
 */
import { decodeNamespace, decodeNode, decodePod } from '@hc-calico/crd-types/core'
import { parseJSON } from '@hc-calico/crd-types/json'
import type { KubeClient } from '@hc-calico/kube-client/lean'
import { type Either, isLeft } from 'fp-ts/lib/Either.js'
import type { PluginConfig } from './config.ts'
import type { Identity } from './identity.ts'
import type { Machine } from './machine.ts'
import { CNIFailure, cniErrorCode } from './skel/cni-error.ts'
import type { NamespaceFacts, PodFacts, WorkloadFacts, WorkloadSource } from './workload-source.ts'

const unavailable = (sentence: string, cause?: unknown): CNIFailure =>
  new CNIFailure(cniErrorCode.tryAgainLater, sentence, cause === undefined ? {} : { cause })

type Decode<A> = (object: unknown) => Either<string, A>

/** One object. Rejects with CNIFailure code 11; `what` names it, e.g. `namespace default`. */
const fetchObject = async <A>(
  client: KubeClient,
  path: string,
  what: string,
  decode: Decode<A>,
): Promise<A> => {
  const response = await client.request({ method: 'GET', path }).catch((cause: Error) => {
    throw unavailable(`failed to get ${what}: ${cause.message}`, cause)
  })
  if (response.status !== 200)
    throw unavailable(`failed to get ${what}: ${refusalOf(response, what)}`)
  const decoded = decode(parseJSON(response.text))
  if (isLeft(decoded)) throw unavailable(`failed to read ${what}: ${decoded.left}`)
  return decoded.right
}

const refusalOf = (response: { readonly status: number; readonly text: string }, what: string) => {
  const [kind = ''] = what.split(' ')
  if (response.status === 404) return 'there is none of this name'
  if (response.status === 403) return `the role of the plugin needs the permission to get ${kind}s`
  if (response.status === 401) return 'the credentials of the plugin are not accepted'
  return `the Kubernetes API answered with HTTP status ${response.status}`
}

const podFacts = (
  pod: ReturnType<typeof decodePod> extends Either<string, infer P> ? P : never,
): PodFacts => ({
  annotations: pod.annotations,
  labels: pod.labels,
  ownerReferences: pod.ownerReferences,
  ownersKnown: true,
  ports: pod.ports,
  ...(pod.uid === undefined ? {} : { uid: pod.uid }),
  ...(pod.generateName === undefined ? {} : { generateName: pod.generateName }),
  ...(pod.serviceAccountName === undefined ? {} : { serviceAccountName: pod.serviceAccountName }),
})

/** An ADD that was meant for an earlier pod of this name must not wire the one that is there now. */
const requireSamePod = (identity: Identity, uid: string | undefined): void => {
  if (identity.podUID === undefined || uid === undefined || identity.podUID === uid) return
  throw unavailable(
    `the pod ${identity.namespace}/${identity.pod} was replaced: the runtime asks for uid ${identity.podUID}, and the Kubernetes API has ${uid}`,
  )
}

export const kubernetesWorkloadSource = (
  machine: Machine,
  config: PluginConfig,
  runtime: WorkloadSource,
): WorkloadSource => {
  const access = config.datastore.type === 'kubernetes' ? config.datastore : config.kubernetes
  let opened: Promise<KubeClient> | undefined
  const client = (): Promise<KubeClient> => {
    opened ??= machine.kubeClient(access)
    return opened
  }

  const namespaceOf = async ({ namespace }: Identity): Promise<NamespaceFacts> => {
    const path = `/api/v1/namespaces/${namespace}`
    return fetchObject(await client(), path, `namespace ${namespace}`, decodeNamespace)
  }

  const podOf = async (identity: Identity): Promise<PodFacts> => {
    const { namespace, pod = '' } = identity
    const path = `/api/v1/namespaces/${namespace}/pods/${pod}`
    const found = await fetchObject(await client(), path, `pod ${namespace}/${pod}`, decodePod)
    requireSamePod(identity, found.uid)
    return podFacts(found)
  }

  const lookUp = async (identity: Identity): Promise<WorkloadFacts> => {
    if (identity.orchestrator !== 'k8s') return runtime.lookUp(identity)
    if (config.policyType !== 'k8s') {
      const [facts, { labels }] = await Promise.all([
        runtime.lookUp(identity),
        namespaceOf(identity),
      ])
      return {
        ...facts,
        namespace: { annotations: {}, ...(labels === undefined ? {} : { labels }) },
      }
    }
    const [pod, namespace] = await Promise.all([podOf(identity), namespaceOf(identity)])
    return { pod, namespace }
  }

  const cidrs = new Map<string, Promise<ReadonlyArray<string>>>()
  const podCIDRsOf = async (node: string): Promise<ReadonlyArray<string>> => {
    const path = `/api/v1/nodes/${encodeURIComponent(node)}`
    return (await fetchObject(await client(), path, `node ${node}`, decodeNode)).podCIDRs
  }

  return {
    lookUp,
    // Asked for before anything is touched, and once more for the call itself.
    podCIDRs: (node) => {
      const known = cidrs.get(node) ?? podCIDRsOf(node)
      cidrs.set(node, known)
      return known
    },
  }
}
