/** What the steps about fixed addresses share: one set at a time, with its identities and its record. */

import { fixedIPRecordMetadata } from '@hc-calico/crd-types/harmonycloud'
import { IPAMFailure } from '@hc-calico/ipam-core'
import type { ControllerContext } from '../context.ts'
import type { FixedIdentity } from '../decisions/fixed-inventory.ts'
import type { RecordData } from '../decisions/fixed-record.ts'
import type { EventSubject } from '../events.ts'
import type { FixedRecordFacts } from '../sources/fixed-records.ts'
import { podKey } from '../sources/pods.ts'
import type { StatefulSetFacts } from '../sources/stateful-sets.ts'
import type { Announcements } from './announcements.ts'
import type { SetAPI } from './live-objects.ts'
import type { SetName } from './record-store.ts'

/** What lives as long as the loop. */
export interface FixedMemory {
  readonly announcements: Announcements
  /** By handle, on the monotonic clock: since when its set or its ordinal has been seen to be absent. */
  readonly absences: Map<string, number>
  /** By handle: a request that was answered, and when. */
  readonly answered: Map<string, { readonly request: string; readonly atMs: number }>
}

export interface FixedRun extends FixedMemory {
  readonly context: ControllerContext
  /** Asked at most once in a run. */
  readonly setAPIs: () => Promise<ReadonlyArray<SetAPI>>
}

/** A set as the caches have it. */
export interface SetView extends SetName {
  readonly identities: ReadonlyArray<FixedIdentity>
  readonly known: StatefulSetFacts | undefined
  readonly record: FixedRecordFacts | undefined
}

export const textsIn = (data: Readonly<Record<string, unknown>> = {}): RecordData =>
  Object.fromEntries(
    Object.entries(data).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  )

const knownSet = ({ sources }: ControllerContext, key: string): StatefulSetFacts | undefined =>
  sources.statefulSets.get(key) ?? sources.kruiseSets.get(key)

export const viewsOf = (
  context: ControllerContext,
  identities: Iterable<FixedIdentity>,
): ReadonlyArray<SetView> => {
  const groups = new Map<string, FixedIdentity[]>()
  for (const identity of identities) {
    const key = `${identity.namespace}/${identity.set}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [identity])
    else group.push(identity)
  }
  return [...groups].map(([key, members]) => {
    const [{ namespace, set }] = members as [FixedIdentity]
    const record = `${namespace}/${fixedIPRecordMetadata(set).name}`
    return {
      ...{ namespace, set, known: knownSet(context, key) },
      identities: members.toSorted((a, b) => a.ordinal - b.ordinal),
      record: context.sources.fixedRecords.get(record),
    }
  })
}

/** A container holds the address, or its pod is there and may take it over any moment. */
export const isInUse = ({ sources }: ControllerContext, identity: FixedIdentity): boolean =>
  identity.holder !== undefined ||
  sources.pods.get(podKey(identity.namespace, identity.pod)) !== undefined

export const recordSubject = ({ namespace, set, record }: SetView): EventSubject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  name: fixedIPRecordMetadata(set).name,
  namespace,
  ...(record === undefined ? {} : { uid: record.uid }),
})

export const setSubject = ({
  apiVersion,
  name,
  namespace,
  uid,
}: StatefulSetFacts): EventSubject => ({
  ...{ apiVersion, kind: 'StatefulSet', name, namespace, uid },
})

export const isRefusal = (thrown: unknown): thrown is IPAMFailure =>
  thrown instanceof IPAMFailure && thrown.family === 'refusal'

/** What the identity holds in the datastore at this moment; none where its handle is gone. */
const heldNow = async (
  { ipam }: ControllerContext,
  { handleID }: FixedIdentity,
): Promise<ReadonlyArray<string>> => {
  try {
    return await ipam.ipsByHandle(handleID)
  } catch (thrown) {
    if (isRefusal(thrown) && thrown.tag === 'HandleMissing') return []
    throw thrown
  }
}

/** Whether the cache is right about it; one that lags must not lead to a write. */
export const isStillSo = async (
  context: ControllerContext,
  identity: FixedIdentity,
): Promise<boolean> => {
  const held = (await heldNow(context, identity)).map((ip) => ip.replace(/\/.*/, ''))
  const { addresses } = identity
  return held.length === addresses.length && addresses.every(({ ip }) => held.includes(ip))
}
