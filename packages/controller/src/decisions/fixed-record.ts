/**
 * What follows from an identity's addresses and its keys in the record. The block is the truth:
 * keys that are absent are written from it. Keys that say something else were written by a person,
 * because whoever changes or releases a fixed address writes the keys first; they are a request. It
 * is carried out now while nobody holds the address, and at the pod's next start while a pod does.
 */
import { type FixedAddresses, readFixedIPRecord } from '@hc-calico/crd-types/harmonycloud'
import type { FixedIdentity } from './fixed-inventory.ts'

export type RecordData = Readonly<Record<string, string>>

/** What a person should hear about a request of theirs. */
export interface RecordNotice {
  /** Of the record. */
  readonly key: string
  readonly reason: 'RepinAccepted' | 'RepinRefused'
  readonly message: string
}

export interface RecordVerdict {
  /** Keys to write into the record, or undefined. */
  readonly write?: RecordData
  /** The request to carry out now: an address per family that is to change. */
  readonly repin?: FixedAddresses
  readonly notices: ReadonlyArray<RecordNotice>
}

export interface RecordSituation {
  readonly identity: FixedIdentity
  /** Of the record as it is; undefined where there is none. */
  readonly data: RecordData | undefined
  /** A container holds the address, or its pod is there and may take it any moment. */
  readonly isInUse: boolean
  /** Of addresses that are asked for (`askedAddresses`): why they cannot be had, one clause. */
  readonly refusals: ReadonlyMap<string, string>
}

const families = [
  { family: 4, field: 'ipv4' },
  { family: 6, field: 'ipv6' },
] as const
type Family = (typeof families)[number]

/** The identity's address of the family, the newest if a change is half done. */
export const addressIn = (identity: FixedIdentity, family: 4 | 6): string | undefined =>
  identity.addresses.find((one) => one.family === family)?.ip

interface Entry {
  readonly write?: readonly [key: string, value: string]
  readonly wish?: readonly [field: Family['field'], ip: string]
  readonly notice?: RecordNotice
}

const refused = (key: string, pod: string, kept: string, why: string): RecordNotice => ({
  ...{ key, reason: 'RepinRefused', message: `${pod} keeps ${kept}: ${why}` },
})

/** What a key says: an address, or why it says none. */
const askedIn = (pod: string, field: Family['field'], text: string) => {
  const key = `${pod}-${field}`
  const { pods, odd } = readFixedIPRecord({ [key]: text })
  const ip = pods.get(pod)?.[field]
  return ip === undefined ? { problem: odd[0]?.problem ?? `${key}: "${text}"` } : { ip }
}

/** One family's key. */
const entryOf = (situation: RecordSituation, { family, field }: Family): Entry => {
  const { identity, data = {}, isInUse, refusals } = situation
  const { pod } = identity
  const key = `${pod}-${field}`
  const held = addressIn(identity, family)
  const text = data[key] ?? ''
  // A family the pod has not got yet: what is asked for counts when it first starts with it.
  if (held === undefined) return data[key] === undefined ? { write: [key, ''] } : {}
  if (text.trim() === '') return { write: [key, held] }
  const { ip: asked, problem = '' } = askedIn(pod, field, text)
  if (asked === undefined) return { notice: refused(key, pod, held, problem) }
  const own = identity.addresses.filter((one) => one.family === family)
  if (asked === held && own.length === 1) return {}
  // A change that was interrupted is completed by whoever may change anything now.
  const isOwn = own.some((one) => one.ip === asked)
  const why = isOwn ? undefined : refusals.get(asked)
  if (why !== undefined) return { notice: refused(key, pod, held, why) }
  if (!isInUse) return { wish: [field, asked] }
  if (isOwn) return {}
  const message = `${pod} gets ${asked} instead of ${held} when it is started next`
  return { notice: { key, reason: 'RepinAccepted', message } }
}

/** Addresses in the record that the identity has not got. */
export const askedAddresses = (
  identity: FixedIdentity,
  data: RecordData = {},
): ReadonlyArray<string> =>
  families.flatMap(({ family, field }) => {
    const text = data[`${identity.pod}-${field}`] ?? ''
    if (text.trim() === '' || addressIn(identity, family) === undefined) return []
    const { ip } = askedIn(identity.pod, field, text)
    return ip === undefined || identity.addresses.some((one) => one.ip === ip) ? [] : [ip]
  })

export const recordVerdict = (situation: RecordSituation): RecordVerdict => {
  const entries = families.map((family) => entryOf(situation, family))
  const writes = entries.flatMap(({ write }) => (write === undefined ? [] : [write]))
  // An empty key for a family that is not held is not worth a write of its own.
  const isWorth = writes.some(([, value]) => value !== '')
  const wishes = entries.flatMap(({ wish }) => (wish === undefined ? [] : [wish]))
  return {
    ...(isWorth ? { write: Object.fromEntries(writes) } : {}),
    ...(wishes.length > 0 ? { repin: Object.fromEntries(wishes) } : {}),
    notices: entries.flatMap(({ notice }) => (notice === undefined ? [] : [notice])),
  }
}
