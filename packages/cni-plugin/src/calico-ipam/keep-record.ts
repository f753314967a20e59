/**
 * The record of a set around the ADD of one of its pods: asked for while other things are read, and
 * written when it says less than the pod has. Neither may cost a pod its start that has its
 * addresses; what could not be written is put right by the controller.
 */
import type { FixedIdentity } from '../fixed-identity.ts'
import { type Family, type KeptAddresses, type PodRecord, withoutEntry } from '../fixed-record.ts'
import type { Identity } from '../identity.ts'
import type { AddressSession } from '../session.ts'

/** What is known of the record. */
export type RecordAnswer =
  | { readonly tag: 'NotKept' }
  | { readonly tag: 'Read'; readonly record: PodRecord }
  | { readonly tag: 'Failed'; readonly error: Error }

/** Never rejects: whether a failure matters is known only when the identity's hold is. */
export const askRecord = async (
  { workloads }: AddressSession,
  { namespace, pod = '', orchestrator }: Identity,
  { set }: FixedIdentity,
): Promise<RecordAnswer> => {
  if (workloads.fixedRecords === undefined || orchestrator !== 'k8s') return { tag: 'NotKept' }
  try {
    return { tag: 'Read', record: await workloads.fixedRecords.read(namespace, set, pod) }
  } catch (error) {
    return { tag: 'Failed', error: error as Error }
  }
}

/** The address that the record asks for. */
export const wishIn = (answer: RecordAnswer, family: Family): string | undefined => {
  const entry = answer.tag === 'Read' ? answer.record.entries[family] : undefined
  return entry?.tag === 'Address' ? entry.ip : undefined
}

/** What is wrong with the record's entry, if it is not an address. */
export const oddIn = (answer: RecordAnswer, family: Family): string | undefined => {
  const entry = answer.tag === 'Read' ? answer.record.entries[family] : undefined
  return entry?.tag === 'Odd' ? entry.problem : undefined
}

/** What the record asks for, and which of its entries are wishes that stand unmet. */
export interface Wishes {
  readonly answer: RecordAnswer
  readonly standing: ReadonlySet<Family>
}

/**
 * After an entry could not be met: a person's wish stands, and is tried again with the next start; a
 * leftover of the first version is dropped, so that it does not move the pod one day.
 */
export const unmet = ({ answer, standing }: Wishes, family: Family): Wishes => {
  if (answer.tag !== 'Read') return { answer, standing }
  if (!answer.record.mayBeStale) return { answer, standing: new Set([...standing, family]) }
  return { answer: { ...answer, record: withoutEntry(answer.record, family) }, standing }
}

/** Writes what is missing. Never rejects. */
export const keepRecord = async (
  { workloads, log }: AddressSession,
  { namespace, pod = '' }: Identity,
  { set }: FixedIdentity,
  { answer, standing }: Wishes,
  held: KeptAddresses['held'],
): Promise<void> => {
  if (answer.tag !== 'Read') return
  try {
    const kept = { held, standing }
    const { record } = answer
    const isWritten = await workloads.fixedRecords?.write(namespace, set, pod, record, kept)
    if (isWritten) log.info('Recorded', { namespace, set, pod, ipv4: held[4], ipv6: held[6] })
  } catch (error) {
    log.warning('Could not record the fixed addresses; the controller will', {
      namespace,
      set,
      pod,
      reason: (error as Error).message,
    })
  }
}
