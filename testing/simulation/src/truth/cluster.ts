/**
 * What the Kubernetes API server knows, apart from addresses: pods, nodes, one service pool. Pods are
 * also seen late, as by an informer.
 */
import { History } from './history.ts'

export interface SeenPod {
  readonly node: string
  readonly ips: ReadonlyArray<string>
  readonly isEvicted: boolean
  /** There for a pod that is annotated to keep its address. */
  readonly identity?: string
}

export interface Service {
  readonly listed: ReadonlyArray<string>
  readonly draining: ReadonlyArray<string>
}

interface PodChange {
  readonly atMs: number
  readonly name: string
  readonly pod: SeenPod | undefined
}

export class Cluster {
  readonly pods = new Map<string, SeenPod>()
  readonly nodes = new Set<string>()
  readonly service: History<Service>
  readonly changes: PodChange[] = []

  constructor(nodes: ReadonlyArray<string>, service: Service) {
    for (const node of nodes) this.nodes.add(node)
    this.service = new History(service)
  }

  setPod(atMs: number, name: string, pod: SeenPod | undefined): void {
    if (pod === undefined) this.pods.delete(name)
    else this.pods.set(name, pod)
    this.changes.push({ atMs, name, pod })
  }
}

/** A cache of the pods that follows the truth. */
export class PodInformer {
  readonly pods = new Map<string, SeenPod>()
  readonly #cluster: Cluster
  #position = 0

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  catchUp(untilMs: number): void {
    const { changes } = this.#cluster
    for (; this.#position < changes.length; this.#position += 1) {
      const { atMs, name, pod } = changes[this.#position] as PodChange
      if (atMs > untilMs) return
      if (pod === undefined) this.pods.delete(name)
      else this.pods.set(name, pod)
    }
  }
}
