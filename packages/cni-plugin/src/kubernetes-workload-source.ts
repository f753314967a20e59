/**
 * What the Kubernetes API says about a pod, its namespace and a node. With policy for Kubernetes
 * the pod counts (labels, annotations, ports, service account); otherwise only the namespace's
 * labels, for the namespace selectors of pools: Calico's rule. Both are asked for at once.
 */
import { decodeNamespace, decodeNode, decodePod } from '@hc-calico/crd-types/core'
import { type ServiceIPPool, serviceIPPoolDocument } from '@hc-calico/crd-types/harmonycloud'
import type { KubeClient } from '@hc-calico/kube-client/lean'
import type { Either } from 'fp-ts/lib/Either.js'
import type { PluginConfig } from './config.ts'
import type { FixedRecordStore } from './fixed-record.ts'
import type { Identity } from './identity.ts'
import { fetchObject, fetchOptional, unavailable } from './kubernetes-fetch.ts'
import { kubernetesFixedRecords } from './kubernetes-fixed-records.ts'
import type { Machine } from './machine.ts'
import type { NamespaceFacts, PodFacts, WorkloadFacts, WorkloadSource } from './workload-source.ts'

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

class KubernetesSource implements WorkloadSource {
  readonly fixedRecords: FixedRecordStore = kubernetesFixedRecords(() => this.#connected())
  readonly #open: () => Promise<KubeClient>
  readonly #policyType: PluginConfig['policyType']
  readonly #runtime: WorkloadSource
  readonly #cidrs = new Map<string, Promise<ReadonlyArray<string>>>()
  #client: Promise<KubeClient> | undefined

  constructor(machine: Machine, config: PluginConfig, runtime: WorkloadSource) {
    const access = config.datastore.type === 'kubernetes' ? config.datastore : config.kubernetes
    this.#open = () => machine.kubeClient(access)
    this.#policyType = config.policyType
    this.#runtime = runtime
  }

  async lookUp(identity: Identity): Promise<WorkloadFacts> {
    if (identity.orchestrator !== 'k8s') return this.#runtime.lookUp(identity)
    if (this.#policyType === 'k8s') {
      const [pod, namespace] = await Promise.all([this.#pod(identity), this.#namespace(identity)])
      return { pod, namespace }
    }
    const [facts, { labels }] = await Promise.all([
      this.#runtime.lookUp(identity),
      this.#namespace(identity),
    ])
    return { ...facts, namespace: { annotations: {}, ...(labels === undefined ? {} : { labels }) } }
  }

  /** What the configuration states counts where the API has none. */
  async servicePool(namespace: string, name: string): Promise<ServiceIPPool | undefined> {
    const path = `/apis/harmonycloud.cn/v1alpha1/namespaces/${namespace}/serviceippools/${name}`
    const what = `ServiceIPPool ${namespace}/${name}`
    const { decode } = serviceIPPoolDocument
    const found = await fetchOptional(await this.#connected(), path, what, decode)
    return found ?? this.#runtime.servicePool(namespace, name)
  }

  /** Asked for before anything is touched, and once more for the call itself. */
  podCIDRs(node: string): Promise<ReadonlyArray<string>> {
    const known = this.#cidrs.get(node) ?? this.#podCIDRsOf(node)
    this.#cidrs.set(node, known)
    return known
  }

  #connected(): Promise<KubeClient> {
    this.#client ??= this.#open()
    return this.#client
  }

  async #namespace({ namespace }: Identity): Promise<NamespaceFacts> {
    const path = `/api/v1/namespaces/${namespace}`
    return fetchObject(await this.#connected(), path, `namespace ${namespace}`, decodeNamespace)
  }

  async #pod(identity: Identity): Promise<PodFacts> {
    const { namespace, pod = '' } = identity
    const path = `/api/v1/namespaces/${namespace}/pods/${pod}`
    const what = `pod ${namespace}/${pod}`
    const found = await fetchObject(await this.#connected(), path, what, decodePod)
    requireSamePod(identity, found.uid)
    return podFacts(found)
  }

  async #podCIDRsOf(node: string): Promise<ReadonlyArray<string>> {
    const path = `/api/v1/nodes/${encodeURIComponent(node)}`
    const found = await fetchObject(await this.#connected(), path, `node ${node}`, decodeNode)
    return found.podCIDRs
  }
}

/** Connects with the first question. */
export const kubernetesWorkloadSource = (
  machine: Machine,
  config: PluginConfig,
  runtime: WorkloadSource,
): WorkloadSource => new KubernetesSource(machine, config, runtime)
