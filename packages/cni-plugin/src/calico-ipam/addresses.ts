/**
 * Taking addresses and giving them back, as both plugins do it, on whatever session: what the simulation
 * runs. Only tests of this repository can import it (`exports` of package.json).
 */

export { fixedAnnotation } from '../fixed-identity.ts'
export type { Entry, FixedRecordStore } from '../fixed-record.ts'
export type { Identity } from '../identity.ts'
export type { AddressSession } from '../session.ts'
export { CNIFailure } from '../skel/cni-error.ts'
export { unknownWorkload, type WorkloadFacts } from '../workload-source.ts'
export { assignAddresses } from './assign.ts'
export { releaseAddresses } from './release.ts'
export { serviceAnnotation } from './service-pools.ts'
