/**
 * One family's search, moved on to its next read or write. One function owns the order of things:
 * first what became of an uncertain commit, then chores, then the current stage; at the end, what
 * the handle already had and what it counts too much.
 */

import { arrivedLate, recheckLate, settled } from './allocation-attempt.ts'
import { borrowStage } from './borrow-block.ts'
import { ownStage } from './choose-block.ts'
import { nextChore } from './chores.ts'
import { claimStage } from './claim-block.ts'
import { close, rereadCredits, withStandingCredits } from './credits.ts'
import { readMore } from './decision.ts'
import { handleAllowance } from './handle-allowance.ts'
import { enter, type Ground, go, type Hunt, type Move, stepTo, stillWanted } from './hunt.ts'
import { reclaimStage } from './reclaim-block.ts'
import { wasRead } from './snapshot.ts'

/** Moves between two steps of the driver: more would mean that stages hand each other the ball. */
const movesMax = 10_000

/**
 * Before the search ends short, the handle is looked at once more: it may hold addresses already,
 * although nothing was left to try that would have told.
 */
const finishStage = (ground: Ground, hunt: Hunt): Move => {
  const { allocation, handleMax } = ground.plan
  if (stillWanted(ground, hunt) > 0 && handleMax > 0 && allocation.handleID !== undefined) {
    const get = { kind: 'Handle', id: allocation.handleID } as const
    if (!wasRead(ground.situation.snapshot, { get })) return stepTo(readMore([{ get }], hunt))
    const allowance = handleAllowance(ground, hunt)
    if (allowance !== undefined) return allowance
  }
  return close(ground, hunt)
}

const stages = {
  Own: ownStage,
  Claim: claimStage,
  Reclaim: reclaimStage,
  Borrow: borrowStage,
  Finish: finishStage,
} as const

/** The stages of automatic assignment. */
export const assignStages = (ground: Ground, hunt: Hunt): Move => {
  const isDone = stillWanted(ground, hunt) === 0 && hunt.stage !== 'Finish'
  return isDone ? enter(hunt, 'Finish') : stages[hunt.stage](ground, hunt)
}

const move = (ground: Ground, hunt: Hunt, stage: typeof assignStages): Move => {
  if (hunt.attempt !== undefined) return go(settled(ground, hunt, hunt.attempt))
  if (hunt.mustRecheck) return recheckLate(hunt)
  const arrived = arrivedLate(ground, hunt)
  if (arrived !== undefined) return go(arrived)
  return (
    nextChore(ground, hunt) ??
    rereadCredits(ground, hunt) ??
    stage(ground, withStandingCredits(ground, hunt))
  )
}

/** The next step of the search, or its end; `stage` is asked when nothing older is to be done. */
export const advance = (
  ground: Ground,
  start: Hunt,
  stage: (ground: Ground, hunt: Hunt) => Move = assignStages,
): Exclude<Move, { readonly tag: 'Go' }> => {
  let hunt = start
  for (let moves = 0; moves < movesMax; moves += 1) {
    const next = move(ground, hunt, stage)
    if (next.tag !== 'Go') return next
    hunt = next.hunt
  }
  throw new Error(`bug: the search for addresses made ${movesMax} moves without a step`)
}
