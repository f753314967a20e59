/**
 * What the record of a set wishes for a fixed pod: a particular address on its first start (a pin),
 * another one than it has (a re-pin). An address that an older container of the same pod still holds
 * in the ordinary way becomes the identity's. Why a wish cannot be met is one sentence.
 */
import { fixedAttrs, fixedStateOf, type IPAM, IPAMFailure } from '@hc-calico/ipam-core'
import type { FixedIdentity } from '../fixed-identity.ts'
import { type Family, recordKey } from '../fixed-record.ts'
import type { Identity } from '../identity.ts'
import type { AddressSession } from '../session.ts'
import { CNIFailure, cniErrorCode } from '../skel/cni-error.ts'
import { quoted } from '../skel/command-args.ts'

/** One ADD of a fixed pod. */
export interface FixedCall {
  readonly session: AddressSession
  readonly ipam: IPAM
  readonly identity: Identity
  readonly fixed: FixedIdentity
  /** Names this container among all that may ever hold the identity's addresses. */
  readonly holder: { readonly id: string; readonly node: string }
  /** Of the addresses that this ADD takes for an identity that has none. */
  readonly firstEpoch: number
}

const isRefusal = (error: unknown): error is IPAMFailure =>
  error instanceof IPAMFailure && error.family === 'refusal'

/** Who has the address, for people. */
const ownerOf = async (ipam: IPAM, ip: string): Promise<string> => {
  try {
    const { handleID, attrs } = await ipam.getAssignmentAttributes(ip)
    const { pod, namespace } = attrs
    if (pod !== undefined && namespace !== undefined) return `pod ${namespace}/${pod} has it`
    const identity = fixedStateOf(attrs)?.identity
    if (identity !== undefined) return `it is the fixed address of ${identity}`
    if (handleID !== undefined) return `handle ${handleID} has it`
  } catch (error) {
    if (!isRefusal(error)) throw error
  }
  return 'it was released a moment ago and rests'
}

const whyNot = async ({ ipam, session }: FixedCall, ip: string, failure: IPAMFailure) => {
  switch (failure.tag) {
    case 'AddressInUse':
      return ownerOf(ipam, ip)
    case 'AddressNotInPool':
      return 'it is in no enabled IP pool'
    case 'AffinityMismatch':
      return `its block is not of node ${session.node}, and strict affinity is on`
    default:
      return failure.message.trim()
  }
}

const sentenceOf = (
  { identity, fixed }: FixedCall,
  family: Family,
  wish: string,
  reason: string,
): string => {
  const { namespace, pod = '' } = identity
  const key = recordKey(pod, family)
  return `the record of fixed addresses of StatefulSet ${namespace}/${fixed.set} asks for ${wish} for pod ${pod}, but ${reason}: correct or remove the key ${quoted(key)} of its ConfigMap`
}

export const oddSentence = (call: FixedCall, family: Family, problem: string): string =>
  sentenceOf(call, family, 'something else', problem)

/** How a pin was met: taken, or frozen where an older container of the pod still had it. */
export type PinOutcome =
  | { readonly tag: 'Taken' | 'Frozen' }
  | { readonly tag: 'Refused'; readonly sentence: string }

/** An address that is in use already may be the pod's own. */
const ownOutcome = async (call: FixedCall, ip: string): Promise<'Taken' | 'Frozen' | undefined> => {
  const { ipam, identity, fixed, session } = call
  const { handleID, attrs } = await ipam.getAssignmentAttributes(ip)
  if (handleID === undefined) return undefined
  if (handleID === fixed.handleID) return 'Taken'
  const isOurs =
    fixedStateOf(attrs) === undefined &&
    attrs.pod === identity.pod &&
    attrs.namespace === identity.namespace
  if (!isOurs) return undefined
  const request = { fromHandleID: handleID, handleID: fixed.handleID, identity: fixed.text }
  session.log.info('Taking over from an older container of the pod', { ip, handleID })
  return (await ipam.freezeFixed(request)) === undefined ? undefined : 'Frozen'
}

/** Takes a particular address for the identity. */
export const takePin = async (
  call: FixedCall,
  family: Family,
  ip: string,
  epoch: number,
): Promise<PinOutcome> => {
  const { ipam, fixed, holder, session } = call
  const { handleID } = fixed
  const attrs = fixedAttrs({ identity: fixed.text, epoch, holder })
  try {
    await ipam.assignIP({ ip, handleID, attrs, host: session.node, intendedUse: 'Workload' })
    return { tag: 'Taken' }
  } catch (error) {
    if (!isRefusal(error)) throw error
    const own =
      error.tag === 'AddressInUse'
        ? await ownOutcome(call, ip).catch((cause: unknown) => {
            if (isRefusal(cause)) return undefined
            throw cause
          })
        : undefined
    if (own !== undefined) return { tag: own }
    return { tag: 'Refused', sentence: sentenceOf(call, family, ip, await whyNot(call, ip, error)) }
  }
}

/** Exchanges the identity's address of the family. Resolves to why the new one cannot be had. */
export const repin = async (
  call: FixedCall,
  family: Family,
  ip: string,
  epoch: number,
): Promise<string | undefined> => {
  const { ipam, fixed, holder, session } = call
  const { handleID } = fixed
  try {
    const request = { handleID, epoch, holderID: holder.id, ip, host: session.node }
    const released = await ipam.repinFixed(request)
    session.log.info('Re-pinned', { identity: fixed.text, ip, released: released.join(',') })
    return undefined
  } catch (error) {
    if (!isRefusal(error) || error.tag === 'OwnerMismatch') throw error
    return sentenceOf(call, family, ip, await whyNot(call, ip, error))
  }
}

export const refusedPin = (sentence: string): CNIFailure =>
  new CNIFailure(cniErrorCode.addressRefused, sentence)
