/**
 * The record of fixed addresses that people read and may fill in beforehand: one ConfigMap per
 * StatefulSet, in the pods' namespace, with the names, labels and keys of the first HC-Calico.
 * Objects of that version are out there, with empty values, stale keys and null data; a record that
 * is odd in one place must never cost another pod its address, so reading never fails: what cannot
 * be used is reported beside what can.
 */
import { formatAddress, parseAddress } from '../codecs/ip-text.ts'
import { hostnameHash } from '../hostname-hash.ts'

/** What one pod's two keys say; a family that is absent, empty or not an address is left out. */
export interface FixedAddresses {
  readonly ipv4?: string
  readonly ipv6?: string
}

/** A key whose value is not an address of its family. */
export interface OddEntry {
  readonly key: string
  readonly value: string
  /** One sentence for a person. */
  readonly problem: string
}

export interface FixedIPRecord {
  /** Per pod name, in the order of the keys; only pods with at least one usable address. */
  readonly pods: ReadonlyMap<string, FixedAddresses>
  readonly odd: ReadonlyArray<OddEntry>
}

export const fixedIPRecordLabels = {
  marker: 'calico-fixedIP',
  reference: 'calico-fixedIP-ref',
} as const

/**
 * Annotation of a record that has never been left stale: whoever releases an address takes its entry
 * out first, so an entry that differs from what a pod has is a person's wish. The first version
 * released addresses and left their entries; its records do not have the annotation.
 */
export const fixedIPRecordVersion = {
  annotation: 'ipam.harmonycloud.cn/record',
  value: '2',
} as const

const suffix = '-fixed-ip-conf'
const nameMax = 253
const labelValueMax = 63
const digestLength = 12

/**
 * `<statefulset>-fixed-ip-conf`. Where that is longer than a name may be, the set's name is cut and
 * a digest of the whole keeps two such sets apart.
 */
export const fixedIPRecordName = (setName: string): string => {
  const name = `${setName}${suffix}`
  if (name.length <= nameMax) return name
  const digest = hostnameHash(setName).slice(0, digestLength).toLowerCase()
  const kept = setName.slice(0, nameMax - suffix.length - digestLength - 1)
  return `${kept}-${digest}${suffix}`
}

/**
 * The labels and annotations of a record. A label value ends at 63 characters, so a longer set name
 * stands in full only in the annotation.
 */
export const fixedIPRecordMetadata = (setName: string) => ({
  name: fixedIPRecordName(setName),
  labels: {
    [fixedIPRecordLabels.marker]: 'true',
    [fixedIPRecordLabels.reference]: labelValueOf(setName),
  },
  annotations: {
    [fixedIPRecordLabels.reference]: setName,
    [fixedIPRecordVersion.annotation]: fixedIPRecordVersion.value,
  },
})

type Texts = Readonly<Record<string, string | undefined>> | null

/**
 * Whether entries of the record may be leftovers of the first version, which labelled every record it
 * made. One without its label was made by a person, for this one.
 */
export const mayHoldLeftovers = (metadata: {
  readonly labels?: Texts
  readonly annotations?: Texts
}): boolean =>
  metadata.labels?.[fixedIPRecordLabels.marker] === 'true' &&
  metadata.annotations?.[fixedIPRecordVersion.annotation] === undefined

/** A label value must end with a letter or a digit. */
const labelValueOf = (text: string): string =>
  text.slice(0, labelValueMax).replace(/[^A-Za-z0-9]+$/, '')

const families = [
  { suffix: '-ipv4', field: 'ipv4', label: 'IPv4' },
  { suffix: '-ipv6', field: 'ipv6', label: 'IPv6' },
] as const

/** The two keys of a pod. */
export const fixedIPRecordKeys = (pod: string): Readonly<Record<'ipv4' | 'ipv6', string>> => ({
  ipv4: `${pod}-ipv4`,
  ipv6: `${pod}-ipv6`,
})

/** A value as an address; a person may have written it with the length of a host route. */
const addressOf = (value: string, field: 'ipv4' | 'ipv6'): string | undefined => {
  const bare = value.trim().replace(field === 'ipv4' ? /\/32$/ : /\/128$/, '')
  const address = parseAddress(bare)
  const isOfFamily = address?.family === (field === 'ipv4' ? 4 : 6)
  return address !== undefined && isOfFamily ? formatAddress(address) : undefined
}

/** Reads `data` of a ConfigMap; undefined and null stand for a record without entries. */
export const readFixedIPRecord = (
  data: Readonly<Record<string, unknown>> | null | undefined,
): FixedIPRecord => {
  const pods = new Map<string, FixedAddresses>()
  const odd: OddEntry[] = []
  for (const [key, value] of Object.entries(data ?? {})) {
    const family = families.find((one) => key.endsWith(one.suffix))
    if (family === undefined) continue
    if (typeof value !== 'string' || value.trim() === '') continue
    const address = addressOf(value, family.field)
    if (address === undefined) {
      odd.push({ key, value, problem: `${key}: "${value}" is not an ${family.label} address` })
      continue
    }
    const pod = key.slice(0, -family.suffix.length)
    pods.set(pod, { ...pods.get(pod), [family.field]: address })
  }
  return { pods, odd }
}
