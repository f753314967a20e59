/**
 * Freeze, as the annotation on a set asks for it: for as long as it is there, the addresses of the
 * set's running pods are made fixed wherever they are not yet. The caches say which pods are left;
 * each of them is read from the server before anything is changed.
 */
import type { ControllerContext } from '../context.ts'
import { type FixedIdentity, identityText } from '../decisions/fixed-inventory.ts'
import { fixedAnnotation, freezeAnnotation, wantedOrdinals } from '../decisions/fixed-set.ts'
import {
  type AddressHolder,
  type FreezePlan,
  type FreezeStep,
  freezeMessage,
  freezePlan,
  type RunningPod,
} from '../decisions/freeze-plan.ts'
import { type PodFacts, podKey } from '../sources/pods.ts'
import type { StatefulSetFacts } from '../sources/stateful-sets.ts'
import { fixedHandleID } from './fixed-handle.ts'
import { type FixedRun, isRefusal, setSubject } from './fixed-world.ts'
import { livePod } from './live-objects.ts'

/** More replicas than any set has. */
const podsMax = 10_000

const running = ({ name, node, ips, isTerminating, hostNetwork }: PodFacts): RunningPod => ({
  ...{ name, node, ips, isDeleting: isTerminating, isHostNetwork: hostNetwork },
})

const isOf = ({ owner }: PodFacts, { name }: StatefulSetFacts): boolean =>
  owner?.kind === 'StatefulSet' && owner.name === name

const podsOf = ({ sources }: ControllerContext, set: StatefulSetFacts): ReadonlyArray<PodFacts> =>
  wantedOrdinals(set, podsMax).flatMap((ordinal) => {
    const pod = sources.pods.get(podKey(set.namespace, `${set.name}-${ordinal}`))
    return pod !== undefined && isOf(pod, set) ? [pod] : []
  })

/** Who has these addresses, by the blocks; fixed ones are nobody's container's. */
const holdersOf = (
  { sources }: ControllerContext,
  ips: ReadonlySet<string>,
): ReadonlyMap<string, AddressHolder> => {
  const holders = new Map<string, AddressHolder>()
  for (const { allocations } of sources.blocks.all().values()) {
    for (const { ip, handleID, attributes, fixed } of allocations) {
      if (handleID === undefined || fixed !== undefined || !ips.has(ip)) continue
      const { node = '', namespace = '', pod = '' } = attributes
      holders.set(ip, { handleID, node, namespace, pod })
    }
  }
  return holders
}

const identitiesOf = (
  identities: Iterable<FixedIdentity>,
  set: StatefulSetFacts,
): ReadonlyMap<string, FixedIdentity> => {
  const own = [...identities].filter((one) => one.namespace === set.namespace)
  return new Map(own.map((one) => [one.pod, one]))
}

/** Undefined when it is done; else why not, one clause. */
const freezeOne = async (
  { context }: FixedRun,
  { namespace, name }: StatefulSetFacts,
  { pod, containerHandleID }: FreezeStep,
): Promise<string | undefined> => {
  const handleID = fixedHandleID(namespace, pod)
  const identity = identityText(namespace, name, pod)
  try {
    const hold = await context.ipam.freezeFixed({
      ...{ fromHandleID: containerHandleID, handleID, identity },
    })
    if (hold === undefined) return 'its container has gone'
    context.log.info('Froze', { namespace, pod, ips: hold.ips.join(',') })
    return undefined
  } catch (thrown) {
    if (isRefusal(thrown)) return thrown.message
    throw thrown
  }
}

/** Everybody again as the server has them; a pod that is gone is left out. */
const livePods = async (
  { context }: FixedRun,
  set: StatefulSetFacts,
  names: ReadonlyArray<string>,
): Promise<ReadonlyArray<RunningPod>> => {
  const found: RunningPod[] = []
  for (const name of names) {
    const pod = await livePod(context.client, set.namespace, name)
    if (pod !== undefined && isOf(pod, set)) found.push(running(pod))
  }
  return found
}

const announce = ({ announcements }: FixedRun, set: StatefulSetFacts, plan: FreezePlan): void => {
  const isTemplateFixed = set.templateAnnotations[fixedAnnotation] === 'true'
  const message = freezeMessage({ name: set.name, isTemplateFixed }, plan)
  if (message === undefined) return
  const isWhole = plan.left.length === 0
  announcements.say(`freeze ${set.namespace}/${set.name}`, {
    regarding: setSubject(set),
    type: isWhole && isTemplateFixed ? 'Normal' : 'Warning',
    reason: isWhole ? 'AddressesFrozen' : 'FreezeIncomplete',
    message,
  })
}

const freezeSet = async (
  run: FixedRun,
  set: StatefulSetFacts,
  all: Iterable<FixedIdentity>,
): Promise<void> => {
  const { context } = run
  const { namespace } = set
  const pods = podsOf(context, set)
  const identities = identitiesOf(all, set)
  const wanted = new Set(pods.flatMap(({ ips }) => ips))
  const byCaches = freezePlan({
    ...{ namespace, identities, pods: pods.map(running) },
    holderOf: () => undefined,
  })
  if (byCaches.left.length === 0) return announce(run, set, byCaches)
  const holders = holdersOf(context, wanted)
  const holderOf = (ip: string): AddressHolder | undefined => holders.get(ip)
  const open = byCaches.left.map(({ pod }) => pod)
  const plan = freezePlan({
    ...{ namespace, identities, holderOf, pods: await livePods(run, set, open) },
  })
  const done = [...byCaches.done, ...plan.done]
  const left = [...plan.left]
  for (const step of plan.freeze) {
    const why = await freezeOne(run, set, step)
    if (why === undefined) done.push(step.pod)
    else left.push({ pod: step.pod, why })
  }
  announce(run, set, { freeze: [], done, left })
}

/** Every set that asks for it. */
export const freezeSets = async (
  run: FixedRun,
  identities: ReadonlyArray<FixedIdentity>,
): Promise<void> => {
  const { statefulSets, kruiseSets } = run.context.sources
  for (const cache of [statefulSets, kruiseSets]) {
    for (const set of cache.all().values()) {
      if (set.annotations[freezeAnnotation] === 'true') await freezeSet(run, set, identities)
    }
  }
}
