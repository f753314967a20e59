/**
 * Addresses for a host: IPv4 completely, then IPv6, each by the search of advance-hunt.ts. Both
 * families are planned before either is served, so that a request that cannot be met as a whole
 * for want of a pool takes nothing; and while one family reads, the other's first read goes along.
 */
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js'
import { type Refusal, refuse } from '../errors.ts'
import type { Assigned, AutoAssignRequest, AutoAssignResult } from '../ipam.ts'
import { advance } from './advance-hunt.ts'
import {
  type AssignLimits,
  familiesOf,
  type Plan,
  type Purpose,
  planOf,
  planQueries,
  validated,
} from './auto-assign-plan.ts'
import { type Decision, done, readMore, type Situation, type Step } from './decision.ts'
import { type Hunt, type HuntStep, newHunt, stepOf } from './hunt.ts'
import { notYetRead } from './snapshot.ts'

/** One family's plan and how far its search has come. */
export interface Search {
  readonly plan: Plan
  readonly hunt: Hunt
}

export interface AutoAssignProgress {
  /** Undefined until the first read. */
  readonly searches?: ReadonlyArray<Search>
  /** Index of the search under way. */
  readonly current: number
}

export interface AutoAssignOutcome {
  readonly result: AutoAssignResult
  /** Own blocks in pools that no longer select the host: worth giving back if empty. */
  readonly outgrown: ReadonlyArray<string>
  /** Blocks of purpose `Ensure`. */
  readonly ensured: { readonly v4?: string; readonly v6?: string }
}

const assignedOf = ({ plan, hunt }: Search): Assigned => ({
  ips: hunt.assigned,
  numRequested: plan.numRequested,
  messages: hunt.messages,
  ...(plan.hostReserved === undefined ? {} : { hostReservedAttr: plan.hostReserved }),
})

const resultOf = (searches: ReadonlyArray<Search>): AutoAssignResult =>
  Object.fromEntries(searches.map((one) => [`v${one.plan.family}`, assignedOf(one)]))

const outcomeOf = (searches: ReadonlyArray<Search>): AutoAssignOutcome => ({
  result: resultOf(searches),
  outgrown: searches.flatMap(({ plan }) => plan.outgrown),
  ensured: Object.fromEntries(
    searches.flatMap(({ plan, hunt }) =>
      hunt.ensured === undefined ? [] : [[`v${plan.family}`, hunt.ensured]],
    ),
  ),
})

const searchesOf = (
  situation: Situation,
  request: AutoAssignRequest,
  limits: AssignLimits,
  purpose: Purpose,
): Either<Refusal, ReadonlyArray<Search>> => {
  const searches: Search[] = []
  for (const family of familiesOf(request)) {
    const plan = planOf(situation, request, family, limits, purpose)
    if (isLeft(plan)) return plan
    const { handleMax, numRequested, allocation } = plan.right
    if (handleMax > 0 && numRequested > handleMax) {
      const message = `handle ${allocation.handleID} already has 0 allocation(s), cannot allocate more (maxAlloc=${handleMax})`
      return left(refuse('HandleLimit', message))
    }
    searches.push({ plan: plan.right, hunt: newHunt })
  }
  return right(searches)
}

/** The step with the first read of the searches that come later, if it is a read itself. */
const withLaterReads = (
  step: HuntStep,
  situation: Situation,
  later: ReadonlyArray<Search>,
): HuntStep => {
  if (step.tag !== 'ReadMore' || step.again) return step
  const queries = later.flatMap(({ plan, hunt }) => {
    const first = advance({ plan, situation }, hunt)
    return first.tag === 'Step' && first.step.tag === 'ReadMore' ? first.step.queries : []
  })
  return { ...step, queries: [...step.queries, ...notYetRead(situation.snapshot, queries)] }
}

const search = (
  situation: Situation,
  all: ReadonlyArray<Search>,
  from: number,
): Either<Refusal, Step<AutoAssignProgress, AutoAssignOutcome>> => {
  let searches = all
  for (let current = from; current < searches.length; current += 1) {
    const { plan, hunt } = searches[current] as Search
    const next = advance({ plan, situation }, hunt)
    const at = current
    const put = (into: ReadonlyArray<Search>, now: Hunt): ReadonlyArray<Search> =>
      into.map((one, i) => (i === at ? { plan, hunt: now } : one))
    if (next.tag === 'Step') {
      const now = searches
      const step = withLaterReads(next.step, situation, now.slice(at + 1))
      return right(stepOf(step, (h) => ({ searches: put(now, h), current: at })))
    }
    searches = put(searches, next.hunt)
    const { refusal } = next.hunt
    if (refusal !== undefined) {
      const partial = resultOf(searches.slice(0, at + 1))
      return left({ ...refusal, details: { ...refusal.details, partial } })
    }
  }
  return right(done(outcomeOf(searches)))
}

/** The decision of `autoAssign`, and with purpose `Ensure` of `ensureBlock`. */
export const autoAssignDecision = (
  request: AutoAssignRequest,
  limits: AssignLimits,
  purpose: Purpose = 'Assign',
): Decision<AutoAssignProgress, AutoAssignOutcome> => ({
  operation: purpose === 'Assign' ? 'autoAssign' : 'ensureBlock',
  start: { current: 0 },
  decide: (situation, progress) => {
    if (progress.searches !== undefined) {
      return search(situation, progress.searches, progress.current)
    }
    const invalid = validated(request)
    if (invalid !== undefined) return left(invalid)
    if (familiesOf(request).length === 0) return right(done(outcomeOf([])))
    const queries = notYetRead(situation.snapshot, planQueries(request))
    if (queries.length > 0) return right(readMore(queries, progress))
    const searches = searchesOf(situation, request, limits, purpose)
    return isLeft(searches) ? searches : search(situation, searches.right, 0)
  },
})
