/** The truth about pods, which no allocator can read directly: who runs, and with which address. */
export interface Pod {
  readonly handle: string
  readonly node: string
  /** Its kubelet follows Calico's own order of writes instead of ours. */
  readonly isUpstream: boolean
  /** `live`: its ADD has been answered and its DEL not begun. */
  state: 'starting' | 'live' | 'stopping' | 'gone'
  address?: string
}

export class Pods {
  readonly all = new Map<string, Pod>()
  readonly #holders = new Map<string, Pod>()
  #count = 0

  create(node: string, isUpstream: boolean): Pod {
    this.#count += 1
    const pod: Pod = {
      handle: `k8s-pod-network.c${this.#count}`,
      node,
      isUpstream,
      state: 'starting',
    }
    this.all.set(pod.handle, pod)
    return pod
  }

  holderOf(address: string): Pod | undefined {
    return this.#holders.get(address)
  }

  get live(): ReadonlyArray<Pod> {
    return [...this.#holders.values()]
  }

  becomesLive(pod: Pod, address: string): void {
    pod.state = 'live'
    pod.address = address
    this.#holders.set(address, pod)
  }

  stops(pod: Pod): void {
    if (pod.address !== undefined && this.#holders.get(pod.address) === pod) {
      this.#holders.delete(pod.address)
    }
    pod.state = 'stopping'
  }

  isGone(handle: string): boolean {
    return this.all.get(handle)?.state === 'gone'
  }
}
