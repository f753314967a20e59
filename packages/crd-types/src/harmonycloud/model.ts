/** The plain types of the group harmonycloud.cn. */
import type { UnknownFields } from '../model.ts'

/** One member pool as the status reports it. */
export interface ServicePoolMember {
  readonly name: string
  /** One word: `Serving`, `Full`, `Draining`, `Drained`, `Disabled`, `Unfit` or `Unknown`. */
  readonly state: string
  /** Addresses the pool can give out, those given out, and the rest. */
  readonly total?: number
  readonly used?: number
  readonly free?: number
  /** Addresses of this service in the pool. */
  readonly held?: number
  /** Why the member cannot serve, one sentence. */
  readonly reason?: string
}

/** A Kubernetes condition. */
export interface Condition {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
  /** RFC 3339. */
  readonly lastTransitionTime: string
  readonly observedGeneration?: number
}

export interface ServiceIPPoolStatus {
  readonly total?: number
  readonly used?: number
  readonly free?: number
  readonly observedGeneration?: number
  readonly members?: ReadonlyArray<ServicePoolMember>
  readonly conditions?: ReadonlyArray<Condition>
}

export interface ServiceIPPool {
  readonly namespace: string
  readonly name: string
  /** Names of pools, tried in this order. */
  readonly ipv4Pools: ReadonlyArray<string>
  readonly disabledIPv4Pools: ReadonlyArray<string>
  readonly ipv6Pools: ReadonlyArray<string>
  readonly disabledIPv6Pools: ReadonlyArray<string>
  readonly status?: ServiceIPPoolStatus
  readonly unknownFields?: UnknownFields
}
