/**
 * A record as the ConfigMap that it is stored in: what it says of one pod, and the merge that makes
 * it say what the pod has. Pure.
 */
import {
  fixedIPRecordLabels,
  fixedIPRecordMetadata,
  mayHoldLeftovers,
  readFixedIPRecord,
} from '@hc-calico/crd-types/harmonycloud'
import {
  type Entry,
  type Family,
  type KeptAddresses,
  type PodRecord,
  recordKey,
} from './fixed-record.ts'

/** A record as it is stored. */
export interface StoredRecord {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly data: Readonly<Record<string, unknown>> | null | undefined
}

/** A merge of a record. */
export interface RecordChange {
  /** It was not there when it was looked for. */
  readonly isNew: boolean
  readonly data: Readonly<Record<string, string>>
  /** For a record that somebody made without them: lists go by them. */
  readonly metadata?: {
    readonly labels: Readonly<Record<string, string>>
    readonly annotations: Readonly<Record<string, string>>
  }
}

const fieldOf = { 4: 'ipv4', 6: 'ipv6' } as const

export const podRecordOf = (stored: StoredRecord | undefined, pod: string): PodRecord => {
  const { pods, odd } = readFixedIPRecord(stored?.data)
  const entry = (family: Family): Entry => {
    const ip = pods.get(pod)?.[fieldOf[family]]
    if (ip !== undefined) return { tag: 'Address', ip }
    const problem = odd.find(({ key }) => key === recordKey(pod, family))?.problem
    return problem === undefined ? { tag: 'None' } : { tag: 'Odd', problem }
  }
  return {
    entries: { 4: entry(4), 6: entry(6) },
    mayBeStale: stored !== undefined && mayHoldLeftovers(stored),
    isMissing: stored === undefined,
    isUnlabelled: stored !== undefined && stored.labels[fixedIPRecordLabels.marker] !== 'true',
  }
}

/**
 * What to write so that the record says what the pod has; undefined: it does. As in the first
 * version, a family without address is written as an empty text along with the other.
 */
export const recordChange = (
  set: string,
  pod: string,
  { entries, isMissing, isUnlabelled }: PodRecord,
  { held, standing }: KeptAddresses,
): RecordChange | undefined => {
  const isToWrite = (family: Family): boolean => {
    const entry = entries[family]
    const ip = held[family]
    if (ip === undefined || standing.has(family)) return false
    return entry.tag !== 'Address' || entry.ip !== ip
  }
  if (!isToWrite(4) && !isToWrite(6)) return undefined
  const data = ([4, 6] as const).flatMap((family): ReadonlyArray<[string, string]> => {
    const key = recordKey(pod, family)
    if (isToWrite(family)) return [[key, held[family] as string]]
    return held[family] === undefined && entries[family].tag === 'None' ? [[key, '']] : []
  })
  const { labels, annotations } = fixedIPRecordMetadata(set)
  return {
    isNew: isMissing,
    data: Object.fromEntries(data),
    ...(isUnlabelled ? { metadata: { labels, annotations } } : {}),
  }
}
