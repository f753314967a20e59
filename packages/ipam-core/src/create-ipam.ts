/**
 * The Promise API over the operations: one line per method. A failure rejects with IPAMFailure;
 * anything else that is thrown is a bug.
 */
import { isLeft } from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { createDeps, type IPAMOptions } from './create-deps.ts'
import { type IPAMError, IPAMFailure } from './errors.ts'
import type { IPAM } from './ipam.ts'
import { assignIP } from './operations/assign-ip.ts'
import { getAssignmentAttributes } from './operations/assignment-attributes.ts'
import { autoAssign } from './operations/auto-assign.ts'
import { claimAffinity } from './operations/claim-affinity.ts'
import { garbageCollectColdIPs } from './operations/collect-cold-ips.ts'
import { ensureBlock } from './operations/ensure-block.ts'
import { parkFixed, takeOverFixed } from './operations/fixed-holder.ts'
import { freezeFixed } from './operations/freeze-fixed.ts'
import { getIPAMConfig, setIPAMConfig } from './operations/ipam-config.ts'
import { ipsByHandle } from './operations/ips-by-handle.ts'
import { recountHandle } from './operations/recount-handle.ts'
import {
  releaseAffinity,
  releaseBlockAffinity,
  releaseHostAffinities,
  releasePoolAffinities,
} from './operations/release-affinity.ts'
import { releaseByHandle } from './operations/release-by-handle.ts'
import { releaseFixed } from './operations/release-fixed.ts'
import { releaseIPs } from './operations/release-ips.ts'
import { removeIPAMHost } from './operations/remove-host.ts'
import { repinFixed } from './operations/repin-fixed.ts'
import { setOwnerAttributes } from './operations/set-owner-attributes.ts'
import { upgradeHost } from './operations/upgrade-host.ts'
import { getUtilization } from './operations/utilization.ts'

const run = async <A>(operation: TaskEither<IPAMError, A>): Promise<A> => {
  const result = await operation()
  if (isLeft(result)) throw new IPAMFailure(result.left)
  return result.right
}

/** An IPAM on a datastore. It holds no state of its own, and does not close the datastore. */
export const createIPAM = (options: IPAMOptions): IPAM => {
  const deps = createDeps(options)
  return {
    autoAssign: (request) => run(autoAssign(deps, request)),
    assignIP: (request) => run(assignIP(deps, request)),
    releaseIPs: (releases) => run(releaseIPs(deps, releases)),
    releaseByHandle: (handleID, hints) => run(releaseByHandle(deps, handleID, hints)),
    recountHandle: (request) => run(recountHandle(deps, request)),
    ipsByHandle: (handleID) => run(ipsByHandle(deps, handleID)),
    getAssignmentAttributes: (ip) => run(getAssignmentAttributes(deps, ip)),
    ensureBlock: (request) => run(ensureBlock(deps, request)),
    claimAffinity: (cidr, owner) => run(claimAffinity(deps, cidr, owner)),
    releaseAffinity: (cidr, host, how) => run(releaseAffinity(deps, cidr, host, how)),
    releaseHostAffinities: (owner, how) => run(releaseHostAffinities(deps, owner, how)),
    releasePoolAffinities: (poolCIDR) => run(releasePoolAffinities(deps, poolCIDR)),
    releaseBlockAffinity: (blockCIDR, how) => run(releaseBlockAffinity(deps, blockCIDR, how)),
    removeIPAMHost: (host) => run(removeIPAMHost(deps, host)),
    getUtilization: (pools) => run(getUtilization(deps, pools)),
    getIPAMConfig: () => run(getIPAMConfig(deps)),
    setIPAMConfig: (config) => run(setIPAMConfig(deps, config)),
    garbageCollectColdIPs: () => run(garbageCollectColdIPs(deps)),
    setOwnerAttributes: (request) => run(setOwnerAttributes(deps, request)),
    takeOverFixed: (request) => run(takeOverFixed(deps, request)),
    parkFixed: (request) => run(parkFixed(deps, request)),
    freezeFixed: (request) => run(freezeFixed(deps, request)),
    repinFixed: (request) => run(repinFixed(deps, request)),
    releaseFixed: (request) => run(releaseFixed(deps, request)),
    upgradeHost: (host) => run(upgradeHost(deps, host)),
  }
}
