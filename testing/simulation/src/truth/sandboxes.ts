/** One container of a pod, as the kubelet has it made: what a single ADD and its DEL are about. */
export interface Sandbox {
  /** Handle of the container. */
  readonly handle: string
  readonly pod: string
  readonly node: string
  readonly families: 1 | 2
  readonly isOfService: boolean
  /** The plugin gives back when it fails; whoever calls the core without it simply asks again. */
  readonly caller: 'plugin' | 'library'
  /** Handle of the identity that the addresses belong to, of a pod that keeps its address. */
  readonly identity?: string
}
