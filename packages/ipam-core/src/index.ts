/** Entry `@hc-calico/ipam-core`: address management with promises and plain objects. */
export type { IPAMOptions } from './create-deps.ts'
export { createIPAM } from './create-ipam.ts'
export {
  type ServiceMember,
  type ServiceMembersRequest,
  serviceMembers,
} from './decisions/service-members.ts'
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
  FixedHold,
  FreezeFixedRequest,
  HostReservedAttr,
  IPAM,
  OwnerPrecondition,
  ParkFixedRequest,
  PoolUtilization,
  RecountHandleRequest,
  ReleaseBlockAffinityOptions,
  ReleaseFixedRequest,
  ReleaseOptions,
  ReleaseResult,
  RepinFixedRequest,
  SetOwnerAttributesRequest,
  TakeOverFixedRequest,
} from './ipam.ts'
export { defaultLimits, type Limits } from './limits.ts'
export {
  type FixedHolder,
  type FixedState,
  firstEpoch,
  fixedAttrs,
  fixedKeys,
  fixedStateOf,
} from './model/fixed-allocation.ts'
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
