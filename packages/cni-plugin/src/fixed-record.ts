/**
 * What the record of a set (a ConfigMap that people read and may fill in) says of one pod. It never
 * decides over an address that is held: the allocation in the block is the truth, and an entry that
 * differs is a wish. Reading and writing it needs the codecs of Kubernetes' documents, so it is
 * behind a port: what loads them is loaded only where there is such an API.
 */

export type Family = 4 | 6

export type Entry =
  | { readonly tag: 'None' }
  | { readonly tag: 'Address'; readonly ip: string }
  | { readonly tag: 'Odd'; readonly problem: string }

/** The record as seen by one pod. */
export interface PodRecord {
  readonly entries: Readonly<Record<Family, Entry>>
  /** An entry may be left over from the first version, which did not clean up. */
  readonly mayBeStale: boolean
  readonly isMissing: boolean
  /** Without the labels that records are listed by. */
  readonly isUnlabelled: boolean
}

/** The record as if it said nothing of the family: a leftover that nobody asks for. */
export const withoutEntry = (record: PodRecord, family: Family): PodRecord => ({
  ...record,
  entries: { ...record.entries, [family]: { tag: 'None' } },
})

/** What the pod has, per family; and families whose entry is a wish that stands. */
export interface KeptAddresses {
  readonly held: Readonly<Partial<Record<Family, string>>>
  readonly standing: ReadonlySet<Family>
}

/** The key of the pod's entry. */
export const recordKey = (pod: string, family: Family): string => `${pod}-ipv${family}`

/** Port: where records are kept. Both reject with an Error whose message is one sentence. */
export interface FixedRecordStore {
  /** What the record of the set says of the pod; a record that is not there says nothing. */
  read(namespace: string, set: string, pod: string): Promise<PodRecord>
  /**
   * Makes the record say what the pod has, if it does not (`record` is what was read), and the record
   * itself where there is none. Resolves to whether anything was written.
   */
  write(
    namespace: string,
    set: string,
    pod: string,
    record: PodRecord,
    kept: KeptAddresses,
  ): Promise<boolean>
}
