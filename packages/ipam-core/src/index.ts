/** Entry `@hc-calico/ipam-core`: address management with promises and plain objects. */
export type { IPAMOptions } from './create-deps.ts'
export { createIPAM } from './create-ipam.ts'
export { type IPAMErrorTag, IPAMFailure, type RefusalTag } from './errors.ts'
export type {
  AffinityOwner,
  Assigned,
  AssignIPRequest,
  AssignmentAttributes,
  AutoAssignRequest,
  AutoAssignResult,
  BlockUtilization,
  ClaimAffinityResult,
  EnsureBlockRequest,
  EnsureBlockResult,
  HostReservedAttr,
  IPAM,
  OwnerPrecondition,
  PoolUtilization,
  ReleaseOptions,
  ReleaseResult,
  SetOwnerAttributesRequest,
} from './ipam.ts'
export { defaultLimits, type Limits } from './limits.ts'
export {
  containerHandleID,
  legacyPodHandleID,
  type TunnelKind,
  tunnelHandleID,
  windowsReservedHandleID,
} from './model/handle-id.ts'
export type { IPPoolUse } from './model/ip-pool.ts'
export { defaultIPAMConfig, type IPAMConfig } from './model/ipam-config.ts'
export { systemClock } from './system-clock.ts'
