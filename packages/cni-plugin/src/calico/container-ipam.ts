/**
 * The main plugin's addresses, whoever gives them: our IPAM in this process, another plugin's
 * executable, or the pod itself.
 */
import {
  type AddressPlan,
  isOurIPAM,
  planAddresses,
  refusePinnedAddresses,
} from '../address-plan.ts'
import { asHostCIDR } from '../addresses.ts'
import { calicoResult } from '../calico-ipam/add.ts'
import { assignAddresses } from '../calico-ipam/assign.ts'
import { blocksNamedBy, releaseAddresses, releaseAfterFailure } from '../calico-ipam/release.ts'
import type { Identity } from '../identity.ts'
import type { Session } from '../session.ts'
import { CNIFailure, cniErrorCode } from '../skel/cni-error.ts'
import { emptyResult, type Result } from '../skel/result.ts'
import { newestVersion } from '../skel/spec-version.ts'
import type { WorkloadFacts } from '../workload-source.ts'
import {
  addForeign,
  checkForeignIPAM,
  deleteForeignAfterFailure,
  runForeign,
} from './foreign-ipam.ts'

export type ContainerPlan = AddressPlan | { readonly tag: 'Foreign' }

const requireIPAMType = (session: Session): void => {
  if (session.config.ipam.type !== undefined) return
  throw new CNIFailure(
    cniErrorCode.invalidNetworkConfig,
    'invalid network configuration: ipam.type is missing: it must be the name of an IPAM plugin, such as "hc-calico-ipam"',
  )
}

/** What ADD will do, or the refusal, before anything is touched. */
export const planContainer = async (
  session: Session,
  identity: Identity,
  facts: WorkloadFacts,
): Promise<ContainerPlan> => {
  requireIPAMType(session)
  const { config, call } = session
  if (!isOurIPAM(config.ipam.type)) {
    refusePinnedAddresses(facts, config.ipam.type)
    await checkForeignIPAM(session)
    return { tag: 'Foreign' }
  }
  const plan = planAddresses(config, call.cniArgs, facts)
  if (plan.tag !== 'PastIPAM' || identity.orchestrator === 'k8s') return plan
  throw new CNIFailure(
    cniErrorCode.invalidNetworkConfig,
    'annotation "cni.projectcalico.org/ipAddrsNoIpam" works for Kubernetes pods only',
  )
}

export const takeAddresses = async (
  session: Session,
  identity: Identity,
  facts: WorkloadFacts,
  plan: ContainerPlan,
): Promise<Result> => {
  switch (plan.tag) {
    case 'Foreign':
      return addForeign(session)
    case 'PastIPAM':
      return { ...emptyResult, ips: plan.ips.map((ip) => ({ address: asHostCIDR(ip) })) }
    default: {
      const request = { identity, facts, plan, reserveGateways: false }
      return calicoResult(await assignAddresses(session, request), newestVersion)
    }
  }
}

/** After a failed ADD. Never rejects. */
export const giveAddressesBack = async (
  session: Session,
  identity: Identity,
  plan: ContainerPlan,
): Promise<void> => {
  if (plan.tag === 'Foreign') await deleteForeignAfterFailure(session)
  else if (plan.tag !== 'PastIPAM') await releaseAfterFailure(session, identity)
}

/** DEL: needs nothing from ADD. */
export const deleteContainerAddresses = async (
  session: Session,
  identity: Identity,
): Promise<void> => {
  requireIPAMType(session)
  if (!isOurIPAM(session.config.ipam.type)) return runForeign(session, 'DEL')
  await releaseAddresses(session, identity, blocksNamedBy(session.call.conf.prevResult))
}
