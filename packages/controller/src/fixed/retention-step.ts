/**
 * Retention of parked addresses: what the caches suggest, and, before anything is given back, what
 * the API server says. The record's keys go first, so that a record never names an address that may
 * be somebody else's; then the address, if it is still parked at the epoch that was seen.
 */
import { fixedIPRecordKeys, fixedIPRecordLabels } from '@hc-calico/crd-types/harmonycloud'
import type { FixedIdentity } from '../decisions/fixed-inventory.ts'
import {
  type RetentionPolicy,
  type RetentionVerdict,
  retentionVerdict,
} from '../decisions/retention.ts'
import {
  goneSinceAnnotation,
  parseRetention,
  retentionAnnotation,
} from '../decisions/retention-policy.ts'
import type { StatefulSetFacts } from '../sources/stateful-sets.ts'
import { type FixedRun, isInUse, recordSubject, type SetView, setSubject } from './fixed-world.ts'
import { livePod, liveSet } from './live-objects.ts'
import { changeRecord, deleteRecord, readRecord, type StoredRecord } from './record-store.ts'

type Texts = Readonly<Record<string, string>>

/** What is known about a set, from the caches or from the server. */
interface Facts {
  readonly known: StatefulSetFacts | undefined
  /** Of the record; undefined where there is none. */
  readonly annotations: Texts | undefined
}

export interface JudgedIdentity {
  readonly identity: FixedIdentity
  readonly verdict: RetentionVerdict
}

/** As it stands on the set, or in the record of a set that is gone. */
const policyText = ({ known, annotations }: Facts): string | undefined =>
  known === undefined
    ? annotations?.[retentionAnnotation]
    : (known.annotations[retentionAnnotation] ?? 'while-set-exists')

/** Text that nobody can read keeps everything; undefined: nobody has ever seen the policy. */
const policyIn = (facts: Facts): RetentionPolicy | undefined => {
  const text = policyText(facts)
  if (text === undefined) return undefined
  const parsed = parseRetention(text)
  return 'policy' in parsed ? parsed.policy : { tag: 'Forever' }
}

const goneForMs = ({ context, absences }: FixedRun, { annotations }: Facts, handleID: string) => {
  const since = Date.parse(annotations?.[goneSinceAnnotation] ?? '')
  if (!Number.isNaN(since)) return Math.max(0, context.clock.wallMs() - since)
  // Where no record can be written (its namespace is gone) only this process knows.
  const seenMs = absences.get(handleID)
  if (annotations !== undefined || seenMs === undefined) return 0
  return context.clock.monotonicMs() - seenMs
}

const judge = (
  run: FixedRun,
  facts: Facts,
  identity: FixedIdentity,
  inUse: boolean,
): RetentionVerdict => {
  const { context, absences } = run
  const { known } = facts
  const policy = policyIn(facts)
  const { retentionGraceMs: graceMs, unknownRetentionMs: unknownPolicyMs } = context.settings
  return retentionVerdict(
    {
      ordinal: identity.ordinal,
      inUse,
      set: known && { ...known, policy: policy ?? { tag: 'Forever' } },
      recordedPolicy: policy,
      setGoneForMs: goneForMs(run, facts, identity.handleID),
      absentSinceMs: absences.get(identity.handleID),
      nowMs: context.clock.monotonicMs(),
    },
    { graceMs, unknownPolicyMs },
  )
}

/** By the caches; remembers since when what is absent has been so. */
export const judgeByCaches = (run: FixedRun, view: SetView): ReadonlyArray<JudgedIdentity> => {
  const facts = { known: view.known, annotations: view.record?.annotations }
  return view.identities.map((identity) => {
    const verdict = judge(run, facts, identity, isInUse(run.context, identity))
    if (verdict.tag === 'Keep') run.absences.delete(identity.handleID)
    if (verdict.tag === 'Watch') run.absences.set(identity.handleID, verdict.sinceMs)
    return { identity, verdict }
  })
}

/** Says what is wrong with a policy, to whom can change it. */
export const announcePolicy = ({ announcements }: FixedRun, view: SetView): void => {
  const { known, record, namespace, set } = view
  const text = policyText({ known, annotations: record?.annotations })
  const parsed = parseRetention(text)
  const key = `policy ${namespace}/${set}`
  if ('policy' in parsed) {
    announcements.forget(key)
    return
  }
  announcements.say(key, {
    regarding: known === undefined ? recordSubject(view) : setSubject(known),
    type: 'Warning',
    reason: 'RetentionNotUnderstood',
    message: parsed.problem,
  })
}

/** The annotations that the record should have while the set is there. */
export const recordedAnnotations = ({ known }: SetView): Readonly<Record<string, string | null>> =>
  known === undefined
    ? {}
    : {
        [retentionAnnotation]: policyText({ known, annotations: undefined }) ?? '',
        [goneSinceAnnotation]: null,
      }

const warnUnknown = ({ announcements, context }: FixedRun, view: SetView): void => {
  const { unknownRetentionMs } = context.settings
  const until = new Date(context.clock.wallMs() + unknownRetentionMs).toISOString()
  announcements.say(`unknown ${view.namespace}/${view.set}`, {
    regarding: recordSubject(view),
    type: 'Warning',
    reason: 'RetentionUnknown',
    message: `there is no StatefulSet ${view.set}, and its retention was never recorded: its addresses are released after ${until}; to keep them annotate this ConfigMap with ${retentionAnnotation}: forever`,
  })
}

/**
 * From when on the set counts as gone is written down once, in the record: the time that a policy
 * grants must not begin anew with every controller.
 */
export const markGone = async (
  run: FixedRun,
  view: SetView,
  judged: ReadonlyArray<JudgedIdentity>,
): Promise<void> => {
  const { context } = run
  const { known, record, namespace, set } = view
  if (known !== undefined || record === undefined) return
  if (record.annotations[goneSinceAnnotation] !== undefined) return
  const policy = policyIn({ known, annotations: record.annotations })
  if (policy !== undefined && policy.tag !== 'KeepAfterSet') return
  const nowMs = context.clock.monotonicMs()
  const isBelieved = judged.some(
    ({ verdict }) =>
      verdict.tag === 'Watch' && nowMs - verdict.sinceMs >= context.settings.retentionGraceMs,
  )
  if (!isBelieved) return
  if ((await liveSet(context.client, await run.setAPIs(), namespace, set)) !== undefined) return
  const since = new Date(context.clock.wallMs()).toISOString()
  await changeRecord(context.client, view, (before) => ({
    annotations: before === undefined ? {} : { [goneSinceAnnotation]: since },
  }))
  context.log.info('The set of fixed addresses is gone', { namespace, set })
  if (policy === undefined) warnUnknown(run, view)
}

/** Those that the API server, asked now, would let go as well. */
const confirmed = async (
  run: FixedRun,
  facts: Facts,
  due: ReadonlyArray<FixedIdentity>,
): Promise<ReadonlyArray<FixedIdentity>> => {
  const going: FixedIdentity[] = []
  for (const identity of due) {
    const pod = await livePod(run.context.client, identity.namespace, identity.pod)
    const verdict = judge(run, facts, identity, pod !== undefined || identity.holder !== undefined)
    if (verdict.tag === 'Release') going.push(identity)
    // The caches were wrong: whatever they say next is a first sight again.
    else run.absences.delete(identity.handleID)
  }
  return going
}

const withoutKeys = (going: ReadonlyArray<FixedIdentity>): Readonly<Record<string, null>> =>
  Object.fromEntries(
    going.flatMap(({ pod }) => Object.values(fixedIPRecordKeys(pod))).map((key) => [key, null]),
  )

/** One that was taken over in part has two epochs; each part goes if it is as it was seen. */
const releaseIdentity = async (
  { context }: FixedRun,
  { handleID, addresses, namespace, pod }: FixedIdentity,
): Promise<ReadonlyArray<string>> => {
  const released: string[] = []
  for (const epoch of new Set(addresses.map((one) => one.epoch))) {
    const ips = addresses.filter((one) => one.epoch === epoch).map(({ ip }) => ip)
    released.push(...(await context.ipam.releaseFixed({ handleID, epoch, ips })))
  }
  if (released.length === 0) return released
  context.log.info('Released fixed addresses', { namespace, pod, ips: released.join(',') })
  context.metrics.fixedReleased.inc(released.length)
  return released
}

const announceReleased = (
  { context }: FixedRun,
  view: SetView,
  live: StatefulSetFacts | undefined,
  said: ReadonlyArray<string>,
): void => {
  if (said.length === 0) return
  const why = live === undefined ? 'the set is gone' : 'the set was scaled down'
  context.events.record({
    regarding: live === undefined ? recordSubject(view) : setSubject(live),
    type: 'Normal',
    reason: 'FixedAddressesReleased',
    message: `${why}: ${said.join('; ')}`,
  })
}

/** A record without keys, of a set that is gone, is of no use to anybody. */
const removeEmptyRecord = async (
  { context }: FixedRun,
  view: SetView,
  record: StoredRecord | undefined,
): Promise<void> => {
  if (record === undefined || Object.keys(record.data).length > 0) return
  if (record.annotations[fixedIPRecordLabels.reference] !== view.set) return
  await deleteRecord(context.client, view, record)
}

/** Gives back what is due, as far as the server agrees; never more than `due`. */
export const releaseDue = async (
  run: FixedRun,
  view: SetView,
  due: ReadonlyArray<FixedIdentity>,
): Promise<void> => {
  const { client } = run.context
  const { namespace, set } = view
  const live = await liveSet(client, await run.setAPIs(), namespace, set)
  const before = await readRecord(client, view)
  const facts = { known: live, annotations: before?.annotations }
  const going = await confirmed(run, facts, due)
  if (live !== undefined && view.known === undefined) {
    // A set of an API that is not watched: its policy is recorded where it is met.
    const annotations = recordedAnnotations({ ...view, known: live })
    await changeRecord(client, view, () => ({ annotations }))
  }
  if (going.length === 0) return
  let isSame = true
  const written = await changeRecord(client, view, (now) => {
    isSame = now?.annotations[retentionAnnotation] === before?.annotations[retentionAnnotation]
    return isSame && now !== undefined ? { data: withoutKeys(going) } : {}
  })
  if (!isSame) return
  const said: string[] = []
  for (const identity of going) {
    const released = await releaseIdentity(run, identity)
    if (released.length > 0) said.push(`${identity.pod} ${released.join(', ')}`)
  }
  announceReleased(run, view, live, said)
  const isLast = said.length === view.identities.length
  if (live === undefined && isLast && written.tag !== 'NoNamespace') {
    await removeEmptyRecord(run, view, written.record)
  }
}
