/**
 * Nodes without machines: pods of the API are bound, get addresses from the core as the plugin gives
 * them, and are finished when they are to end. What a kubelet does, as far as addresses go; it can be
 * cut off in mid-life like a real one.
 */
import { createIPAM, fixedAttrs, type IPAM } from '@hc-calico/ipam-core'
import { fixedHandleID } from '../../src/fixed/fixed-handle.ts'
import type { ControllerLab } from './controller-lab.ts'

interface Pod {
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly uid: string
    readonly deletionTimestamp?: string
    readonly annotations?: Readonly<Record<string, string>>
    readonly ownerReferences?: ReadonlyArray<{ readonly kind: string; readonly name: string }>
  }
  readonly spec: { readonly nodeName?: string }
  readonly status: { readonly podIP?: string }
}

const lookMs = 100

export const containerHandle = (uid: string): string => `k8s-pod-network.${uid}`

/** A node of Kubernetes and, where Calico keeps nodes of its own, the Calico node that stands for it. */
export const addNode = async (lab: ControllerLab, name: string): Promise<void> => {
  await lab.api('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name } })
  if (lab.datastoreType !== 'etcdv3') return
  const unknownFields = { spec: { orchRefs: [{ orchestrator: 'k8s', nodeName: name }] } }
  const value = { name, labels: {}, unknownFields }
  await lab.write({ op: 'create', key: { kind: 'Node', name }, value })
}

export class FakeNodes {
  readonly ipam: IPAM
  readonly #lab: ControllerLab
  readonly #names: ReadonlyArray<string>
  #isRunning = true
  #isCut = false
  #next = 0
  readonly #ended: Promise<void>

  private constructor(lab: ControllerLab, names: ReadonlyArray<string>) {
    this.#lab = lab
    this.#names = names
    this.ipam = createIPAM({ datastore: lab.datastore })
    this.#ended = this.#run()
  }

  static async start(lab: ControllerLab, names = ['node-1', 'node-2']): Promise<FakeNodes> {
    for (const name of names) await addNode(lab, name)
    return new FakeNodes(lab, names)
  }

  /** Nothing is started or ended any more until `resume`. */
  cut(): void {
    this.#isCut = true
  }

  resume(): void {
    this.#isCut = false
  }

  async stop(): Promise<void> {
    this.#isRunning = false
    await this.#ended
  }

  async #run(): Promise<void> {
    while (this.#isRunning) {
      // An API server that is away is as good as a kubelet that sleeps.
      if (!this.#isCut) await this.#look().catch(() => undefined)
      await new Promise((resolve) => setTimeout(resolve, lookMs))
    }
  }

  async #look(): Promise<void> {
    const { items } = (await this.#lab.api('GET', '/api/v1/pods')) as { items: ReadonlyArray<Pod> }
    for (const pod of items) {
      const { metadata, spec, status } = pod
      if (metadata.deletionTimestamp !== undefined) await this.#end(pod)
      else if (spec.nodeName === undefined) await this.#bind(pod)
      else if (status.podIP === undefined) await this.#begin(pod)
    }
  }

  #path({ metadata }: Pod): string {
    return `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`
  }

  async #bind(pod: Pod): Promise<void> {
    const name = this.#names[this.#next % this.#names.length]
    this.#next += 1
    await this.#lab.api('POST', `${this.#path(pod)}/binding`, {
      ...{ apiVersion: 'v1', kind: 'Binding', metadata: { name: pod.metadata.name } },
      target: { apiVersion: 'v1', kind: 'Node', name },
    })
  }

  async #begin(pod: Pod): Promise<void> {
    const [cidr = ''] = await this.#add(pod)
    const podIP = cidr.replace(/\/.*/, '')
    const podIPs = [{ ip: podIP }]
    const conditions = [{ type: 'Ready', status: 'True' }]
    const status = { phase: 'Running', podIP, podIPs, conditions }
    await this.#lab.api('PATCH', `${this.#path(pod)}/status`, { status })
  }

  async #add({ metadata, spec }: Pod): Promise<ReadonlyArray<string>> {
    const { namespace, name, uid, annotations = {}, ownerReferences = [] } = metadata
    const node = spec.nodeName ?? ''
    const container = containerHandle(uid)
    const ask = {
      num4: 1,
      host: node,
      intendedUse: 'Workload',
      maxAllocToHandlePerIPVersion: 1,
    } as const
    const set = ownerReferences.find(({ kind }) => kind === 'StatefulSet')?.name
    if (annotations['fixed.ipam.harmonycloud.cn'] !== 'true' || set === undefined) {
      const attrs = { node, pod: name, namespace }
      const { v4 } = await this.ipam.autoAssign({ ...ask, handleID: container, attrs })
      return v4?.ips ?? []
    }
    const identity = `${namespace}/StatefulSet/${set}/${name}`
    const holder = { id: container, node }
    const handleID = fixedHandleID(namespace, name)
    const hold = await this.ipam.takeOverFixed({ handleID, identity, holder })
    if (hold !== undefined) return hold.ips
    const attrs = fixedAttrs({ identity, epoch: 1, holder })
    await this.ipam.autoAssign({ ...ask, handleID, attrs })
    return (await this.ipam.takeOverFixed({ handleID, identity, holder }))?.ips ?? []
  }

  async #end(pod: Pod): Promise<void> {
    const { namespace, name, uid } = pod.metadata
    const container = containerHandle(uid)
    await this.ipam.parkFixed({ handleID: fixedHandleID(namespace, name), holderID: container })
    await this.ipam.releaseByHandle(container).catch(() => undefined)
    await this.#lab.api('DELETE', this.#path(pod), { gracePeriodSeconds: 0 }, [404])
  }
}
