/**
 * ADD of the IPAM executable. The form of the answer depends on who asks: Calico's main plugin
 * brings its own routes and gateway, other main plugins (ptp, bridge, macvlan) wire a subnet and
 * need a gateway in it.
 */
import { type AddressPlan, planAddresses } from '../address-plan.ts'
import { addressAt, asHostCIDR, familyOf, prefixOf } from '../addresses.ts'
import { identify } from '../identity.ts'
import type { Session } from '../session.ts'
import { CNIFailure, cniErrorCode } from '../skel/cni-error.ts'
import { emptyResult, type Result, type ResultIP } from '../skel/result.ts'
import { isAtLeast } from '../skel/spec-version.ts'
import { assignAddresses, type TakenAddress } from './assign.ts'

/** Whether the main plugin is one that brings its own routes and gateway. */
export const isCalico = (mainPlugin: string | undefined): boolean =>
  mainPlugin === undefined || mainPlugin === 'calico' || mainPlugin === 'hc-calico'

const withBlockPrefix = ({ ip, block }: TakenAddress): string =>
  block === undefined ? asHostCIDR(ip) : `${ip}/${prefixOf(block)}`

/** Calico's form: the block's prefix length, and one route per address that names the block. */
export const calicoResult = (
  taken: ReadonlyArray<TakenAddress>,
  cniVersion: Session['config']['cniVersion'],
): Result => {
  const hasBlocks = isAtLeast(cniVersion, '0.3.0')
  return {
    ...emptyResult,
    ips: taken.map((one) => ({ address: hasBlocks ? withBlockPrefix(one) : asHostCIDR(one.ip) })),
    routes: taken
      .filter((one) => one.block !== undefined)
      .map((one) => ({ dst: withBlockPrefix(one) })),
  }
}

const defaultRoute = (ip: string): string => (familyOf(ip) === 4 ? '0.0.0.0/0' : '::/0')

/** For a subnet: the second address of the block is its gateway, kept from pods by reservation. */
const subnetIP = (one: TakenAddress): ResultIP => {
  const address = withBlockPrefix(one)
  return one.block === undefined ? { address } : { address, gateway: addressAt(one.block, 1) }
}

/** ptp has no default route of its own; bridge adds one when it is configured to. */
const subnetResult = (session: Session, taken: ReadonlyArray<TakenAddress>): Result => {
  const { mainPlugin, ipam } = session.config
  const defaults = mainPlugin === 'ptp' ? taken.map((one) => defaultRoute(one.ip)) : []
  const routes = ipam.routes.length > 0 ? ipam.routes : defaults
  return { ...emptyResult, ips: taken.map(subnetIP), routes: routes.map((dst) => ({ dst })) }
}

const refusePastIPAM = (plan: AddressPlan): Exclude<AddressPlan, { tag: 'PastIPAM' }> => {
  if (plan.tag !== 'PastIPAM') return plan
  throw new CNIFailure(
    cniErrorCode.invalidNetworkConfig,
    'annotation "cni.projectcalico.org/ipAddrsNoIpam" needs the main plugin calico or hc-calico',
  )
}

export const addAddresses = async (session: Session): Promise<Result> => {
  const { call, config } = session
  const identity = identify(call, config, session.node)
  const facts = await session.workloads.lookUp(identity)
  const plan = refusePastIPAM(planAddresses(config, call.cniArgs, facts))
  const forCalico = isCalico(config.mainPlugin)
  const taken = await assignAddresses(session, {
    identity,
    facts,
    plan,
    reserveGateways: !forCalico,
  })
  return forCalico ? calicoResult(taken, config.cniVersion) : subnetResult(session, taken)
}
