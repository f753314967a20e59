/**
 * The loop of fixed addresses: freezes what is to be frozen, keeps records and addresses in step,
 * and lets go what retention lets go. One set that cannot be dealt with does not keep the others.
 */
import type { Cancellation } from '@hc-calico/ipam-core/ports'
import type { ControllerContext } from '../context.ts'
import { reasonOf } from '../log.ts'
import type { CreateReconciler } from '../reconcilers.ts'
import type { Change } from '../sources/cache.ts'
import type { PodFacts } from '../sources/pods.ts'
import type { StatefulSetFacts } from '../sources/stateful-sets.ts'
import { Announcements } from './announcements.ts'
import { changesOf, FixedIndex } from './fixed-index.ts'
import { type FixedMemory, type FixedRun, type SetView, viewsOf } from './fixed-world.ts'
import { freezeSets } from './freeze-step.ts'
import { type SetAPI, setAPIs } from './live-objects.ts'
import { answerRequests, mirror } from './record-step.ts'
import { announcePolicy, judgeByCaches, markGone, releaseDue } from './retention-step.ts'

const periodMsMax = 30_000
const settleMs = 500

/** A set's status changes all the time; what it asks for seldom. */
const asks = (set: StatefulSetFacts | undefined): string =>
  JSON.stringify([set?.annotations, set?.templateAnnotations, set?.replicas, set?.firstOrdinal])

const setMatters = ({ before, now }: Change<StatefulSetFacts>): boolean =>
  before === undefined || now === undefined || asks(before) !== asks(now)

/** Pods of sets whose addresses may be fixed come, go, or get their addresses. */
const podMatters = ({ before, now }: Change<PodFacts>): boolean => {
  if ((now ?? before)?.owner?.kind !== 'StatefulSet') return false
  return before?.uid !== now?.uid || before?.ips.join() !== now?.ips.join()
}

/** How many may go in this run, over all sets. */
interface Allowance {
  left: number
}

const reconcileSet = async (run: FixedRun, view: SetView, allowance: Allowance): Promise<void> => {
  announcePolicy(run, view)
  const judged = judgeByCaches(run, view)
  const going = judged.filter(({ verdict }) => verdict.tag === 'Release')
  const kept = judged.filter(({ verdict }) => verdict.tag !== 'Release')
  const identities = kept.map(({ identity }) => identity)
  await mirror(run, view, identities)
  await answerRequests(run, view, identities)
  await markGone(run, view, judged)
  const due = going.slice(0, allowance.left).map(({ identity }) => identity)
  if (due.length === 0) return
  allowance.left -= due.length
  await releaseDue(run, view, due)
}

/** Asked when first needed, and not again in this run. */
const once = (ask: () => Promise<ReadonlyArray<SetAPI>>) => {
  let asked: Promise<ReadonlyArray<SetAPI>> | undefined
  return (): Promise<ReadonlyArray<SetAPI>> => {
    asked ??= ask()
    return asked
  }
}

const forgetGone = (memory: FixedMemory, handles: ReadonlyMap<string, unknown>): void => {
  for (const map of [memory.absences, memory.answered]) {
    for (const handleID of [...map.keys()]) if (!handles.has(handleID)) map.delete(handleID)
  }
}

const needsOf = ({ sources }: ControllerContext) => {
  const { pods, nodes, statefulSets, kruiseSets, fixedRecords, blocks, calicoNodes } = sources
  const needed = [pods, nodes, statefulSets, kruiseSets, fixedRecords, blocks]
  return calicoNodes === undefined ? needed : [...needed, calicoNodes]
}

export const createFixedReconciler: CreateReconciler = (context) => {
  const { sources, settings, client, log } = context
  const index = new FixedIndex(sources.blocks)
  const memory: FixedMemory = {
    announcements: new Announcements(context.events),
    absences: new Map(),
    answered: new Map(),
  }
  let term: Cancellation | undefined
  return {
    name: 'fixed-addresses',
    periodMs: Math.min(periodMsMax, Math.max(settleMs, settings.retentionGraceMs / 2)),
    settleMs,
    needs: needsOf(context),
    triggers: [
      index,
      sources.fixedRecords,
      changesOf(sources.statefulSets, setMatters),
      changesOf(sources.kruiseSets, setMatters),
      changesOf(sources.pods, podMatters),
    ],
    reconcile: async (cancellation) => {
      // What was absent in an earlier term was not watched in between.
      if (term !== cancellation) memory.absences.clear()
      term = cancellation
      const run: FixedRun = { ...memory, context, setAPIs: once(() => setAPIs(client)) }
      const before = [...index.identities().values()]
      await freezeSets(run, before)
      const identities = index.identities()
      forgetGone(memory, identities)
      const allowance = { left: settings.releasesPerRunMax }
      for (const view of viewsOf(context, identities.values())) {
        if (cancellation.aborted) return
        try {
          await reconcileSet(run, view, allowance)
        } catch (thrown) {
          const { namespace, set } = view
          log.warning('Fixed addresses of a set', { namespace, set, reason: reasonOf(thrown) })
        }
      }
    },
  }
}
