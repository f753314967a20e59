/**
 * Entry `@hc-calico/ipam-core/fp`: the same operations as TaskEither, each with its dependencies as
 * first argument, and the decisions behind them, which are pure: from what was read they say what
 * to read or write next. Whoever composes an operation of their own runs it with `runDecision`.
 */
export { createDeps, type IPAMOptions } from './create-deps.ts'
export { assignIPDecision } from './decisions/assign-ip.ts'
export { assignmentAttributesDecision } from './decisions/assignment-attributes.ts'
export { autoAssignDecision } from './decisions/auto-assign.ts'
export {
  allocated,
  assignableOrdinals,
  attributeAt,
  collectCold,
  freeCount,
  isEmpty,
  newBlock,
  ordinalsOfHandle,
  released,
  touched,
  withoutAffinity,
} from './decisions/block-changes.ts'
export { claimAffinityDecision } from './decisions/claim-affinity.ts'
export { coldAddresses, collectBlockDecision } from './decisions/collect-cold-ips.ts'
export {
  type AffinityCheck,
  ensureConsistentAffinityDecision,
} from './decisions/consistent-affinity.ts'
export {
  type Decision,
  done,
  readAgain,
  readMore,
  type Situation,
  type Step,
} from './decisions/decision.ts'
export { ensureBlockDecision } from './decisions/ensure-block.ts'
export { parkFixedDecision, takeOverFixedDecision } from './decisions/fixed-holder.ts'
export { freezeFixedDecision } from './decisions/freeze-fixed.ts'
export {
  decremented,
  emptyHandle,
  handleCount,
  handleWrite,
  incremented,
  withoutBlocks,
} from './decisions/handle-changes.ts'
export {
  configFault,
  configIn,
  getIPAMConfigDecision,
  setIPAMConfigDecision,
} from './decisions/ipam-config.ts'
export { ipsByHandleDecision } from './decisions/ips-by-handle.ts'
export { type Located, locateBlock } from './decisions/locate-block.ts'
export { recountHandleDecision } from './decisions/recount-handle.ts'
export {
  type AffinityReleased,
  type ReleaseAffinityRequest,
  releaseBlockAffinityDecision,
} from './decisions/release-block-affinity.ts'
export {
  type ReleaseByHandleRequest,
  type ReleaseOutcome,
  releaseByHandleDecision,
} from './decisions/release-by-handle.ts'
export { releaseFixedDecision } from './decisions/release-fixed.ts'
export { releaseIPsDecision } from './decisions/release-ips.ts'
export { type RepinPlan, repinFixedDecision } from './decisions/repin-fixed.ts'
export { reservedAddresses } from './decisions/reserved-addresses.ts'
export {
  allowsUse,
  enabledPools,
  type PoolRequest,
  poolOfAddress,
  poolOfCIDR,
  poolSelectsNode,
  type SelectedPools,
  selectPools,
} from './decisions/select-pools.ts'
export { setOwnerAttributesDecision } from './decisions/set-owner-attributes.ts'
export {
  emptySnapshot,
  getIn,
  listIn,
  notYetRead,
  type Snapshot,
  wasRead,
  withAnswers,
  withCurrent,
} from './decisions/snapshot.ts'
export { upgradeHostDecision } from './decisions/upgrade-host.ts'
export { blockUtilization, utilizationDecision } from './decisions/utilization.ts'
export {
  type Cancelled,
  type IPAMError,
  type Refusal,
  type RefusalTag,
  type RetriesExhausted,
  refuse,
  tagOf,
} from './errors.ts'
export { checkInvariants } from './model/block-laws.ts'
export { type Labels, type Selector, selects, selectsAll } from './model/selector.ts'
export { parseSelector, type SelectorFault } from './model/selector-parser.ts'
export { assignIP } from './operations/assign-ip.ts'
export { getAssignmentAttributes } from './operations/assignment-attributes.ts'
export { autoAssign } from './operations/auto-assign.ts'
export { claimAffinity } from './operations/claim-affinity.ts'
export { garbageCollectColdIPs } from './operations/collect-cold-ips.ts'
export type { Deps } from './operations/deps.ts'
export { ensureBlock } from './operations/ensure-block.ts'
export { parkFixed, takeOverFixed } from './operations/fixed-holder.ts'
export { freezeFixed } from './operations/freeze-fixed.ts'
export { getIPAMConfig, setIPAMConfig } from './operations/ipam-config.ts'
export { ipsByHandle } from './operations/ips-by-handle.ts'
export { recountHandle } from './operations/recount-handle.ts'
export {
  releaseAffinity,
  releaseBlockAffinity,
  releaseHostAffinities,
  releasePoolAffinities,
} from './operations/release-affinity.ts'
export { releaseByHandle } from './operations/release-by-handle.ts'
export { releaseFixed } from './operations/release-fixed.ts'
export { releaseIPs } from './operations/release-ips.ts'
export { removeIPAMHost } from './operations/remove-host.ts'
export { repinFixed } from './operations/repin-fixed.ts'
export { runDecision } from './operations/run-decision.ts'
export { setOwnerAttributes } from './operations/set-owner-attributes.ts'
export { upgradeHost } from './operations/upgrade-host.ts'
export { getUtilization } from './operations/utilization.ts'
