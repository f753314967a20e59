/**
 * Keeps a set's record and its addresses in step: writes what the record lacks, carries out what a
 * person asks for in it, or says why not. The caches only say where to look; what is written rests
 * on what was read just before.
 */
import { fixedIPRecordKeys } from '@hc-calico/crd-types/harmonycloud'
import { containsAddress, parseIPAddress, trustedCIDR } from '@hc-calico/ipam-core/ip'
import type { FixedIdentity } from '../decisions/fixed-inventory.ts'
import {
  askedAddresses,
  type RecordData,
  type RecordVerdict,
  recordVerdict,
} from '../decisions/fixed-record.ts'
import { calicoNodes } from '../sources/calico-nodes.ts'
import {
  type FixedRun,
  isInUse,
  isRefusal,
  isStillSo,
  recordSubject,
  type SetView,
  textsIn,
} from './fixed-world.ts'
import { changeRecord, readRecord } from './record-store.ts'
import { recordedAnnotations } from './retention-step.ts'

/** A request that was refused, or has to wait, is looked at again this often. */
const answerAgainMs = 30_000

const verdictOn = (
  { context }: FixedRun,
  identity: FixedIdentity,
  data: RecordData | undefined,
  refusals: ReadonlyMap<string, string> = new Map(),
): RecordVerdict => recordVerdict({ identity, data, isInUse: isInUse(context, identity), refusals })

const differs = (
  before: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string | null>>,
): boolean => Object.entries(wanted).some(([key, value]) => (before[key] ?? null) !== value)

/** Writes keys and annotations that the record lacks. */
export const mirror = async (
  run: FixedRun,
  view: SetView,
  kept: ReadonlyArray<FixedIdentity>,
): Promise<void> => {
  const { context } = run
  const data = view.record && textsIn(view.record.data)
  const annotations = recordedAnnotations(view)
  const missing = kept.filter((one) => verdictOn(run, one, data).write !== undefined)
  const isNoted = view.record === undefined || !differs(view.record.annotations, annotations)
  if (missing.length === 0 && isNoted) return
  const sure: FixedIdentity[] = []
  for (const identity of missing) if (await isStillSo(context, identity)) sure.push(identity)
  if (sure.length === 0 && isNoted) return
  const written = await changeRecord(context.client, view, (before) => ({
    data: Object.assign({}, ...sure.map((one) => verdictOn(run, one, before?.data).write ?? {})),
    annotations,
  }))
  const { namespace, set } = view
  if (written.tag === 'Written') context.log.info('Wrote a record', { namespace, set })
}

/** Words for whoever has the address, or why nobody can; undefined: it can be had. */
const refusalOf = async ({ context }: FixedRun, ip: string): Promise<string | undefined> => {
  try {
    const { handleID = 'somebody', attrs } = await context.ipam.getAssignmentAttributes(ip)
    const { namespace, pod, 'ipam.harmonycloud.cn/fixed': identity } = attrs
    const isPod = namespace !== undefined && pod !== undefined
    return `${ip} is held by ${identity ?? (isPod ? `${namespace}/${pod}` : handleID)}`
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown
    if (thrown.tag === 'AddressNotAssigned') return undefined
    return thrown.tag === 'AddressNotInPool' ? `${ip} is in no enabled IP pool` : thrown.message
  }
}

const refusalsFor = async (
  run: FixedRun,
  asked: ReadonlyArray<string>,
): Promise<ReadonlyMap<string, string>> => {
  const refusals = new Map<string, string>()
  for (const ip of asked) {
    const why = await refusalOf(run, ip)
    if (why !== undefined) refusals.set(ip, why)
  }
  return refusals
}

const hostPrefix = 'host:'

/**
 * The node in whose name an address is taken: the owner of its block, which strict affinity asks
 * for; where there is no block yet, one that is there claims it.
 */
const hostFor = ({ context }: FixedRun, ip: string): string | undefined => {
  const address = parseIPAddress(ip)
  if (address._tag === 'Left') return undefined
  for (const { cidr, affinity } of context.sources.blocks.all().values()) {
    if (affinity === undefined || !affinity.startsWith(hostPrefix)) continue
    if (containsAddress(trustedCIDR(cidr), address.right)) return affinity.slice(hostPrefix.length)
  }
  return [...calicoNodes(context.sources).alive].toSorted()[0]
}

const saidKey = ({ handleID }: FixedIdentity, key: string): string => `${handleID} request ${key}`

const repin = async (
  run: FixedRun,
  view: SetView,
  identity: FixedIdentity,
  { key, ip }: { readonly key: string; readonly ip: string },
): Promise<void> => {
  const { context, announcements } = run
  const { handleID, epoch, pod, namespace } = identity
  const host = hostFor(run, ip)
  if (host === undefined) return
  const regarding = recordSubject(view)
  try {
    const given = await context.ipam.repinFixed({ handleID, epoch, ip, host })
    context.log.info('Re-pinned', { namespace, pod, ip, instead: given.join(',') })
    const freed = given.length === 0 ? '' : `; ${given.join(', ')} is given back`
    announcements.say(saidKey(identity, key), {
      ...{ regarding, type: 'Normal', reason: 'Repinned' },
      message: `${pod} has ${ip} from now on${freed}`,
    })
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown
    // Somebody has started the pod meanwhile: its next start carries the request out.
    if (thrown.tag === 'OwnerMismatch') return
    const message = `${pod} keeps what it has: ${thrown.message.trim()}`
    announcements.say(saidKey(identity, key), {
      ...{ regarding, type: 'Warning', reason: 'RepinRefused', message },
    })
  }
}

const answer = async (run: FixedRun, view: SetView, identity: FixedIdentity): Promise<void> => {
  const { context, announcements } = run
  const fresh = await readRecord(context.client, view)
  if (!(await isStillSo(context, identity))) return
  const refusals = await refusalsFor(run, askedAddresses(identity, fresh?.data))
  const { notices, repin: wanted } = verdictOn(run, identity, fresh?.data, refusals)
  for (const { key, reason, message } of notices) {
    announcements.say(saidKey(identity, key), {
      regarding: recordSubject(view),
      type: reason === 'RepinRefused' ? 'Warning' : 'Normal',
      ...{ reason, message },
    })
  }
  for (const [field, ip] of Object.entries(wanted ?? {})) {
    await repin(run, view, identity, { key: `${identity.pod}-${field}`, ip })
  }
}

/** Answers every request in the record; one that is answered already, now and then again. */
export const answerRequests = async (
  run: FixedRun,
  view: SetView,
  kept: ReadonlyArray<FixedIdentity>,
): Promise<void> => {
  const { context, answered, announcements } = run
  const data = view.record && textsIn(view.record.data)
  const nowMs = context.clock.monotonicMs()
  for (const identity of kept) {
    const { handleID, addresses, epoch, pod } = identity
    const { notices, repin: wanted } = verdictOn(run, identity, data)
    if (notices.length === 0 && wanted === undefined) {
      answered.delete(handleID)
      for (const key of Object.values(fixedIPRecordKeys(pod)))
        announcements.forget(saidKey(identity, key))
      continue
    }
    const request = JSON.stringify([notices, wanted, addresses.map(({ ip }) => ip), epoch])
    const last = answered.get(handleID)
    if (last?.request === request && nowMs - last.atMs < answerAgainMs) continue
    await answer(run, view, identity)
    answered.set(handleID, { request, atMs: nowMs })
  }
}
