/**
 * What happens in a run, as a list without end that one seed decides: event by event its kind, when
 * it comes after the one before, and a stream of chance for all it does. No event looks at another's
 * numbers, so any of them can be left out.
 */
import { SeededRandom, seedOf } from '../seeded-random.ts'
import type { Event } from '../simulation.ts'
import type { Mode } from '../store/simulated-store.ts'
import type { EditName } from './edits.ts'

export type EventName =
  | 'pod'
  | 'rollout'
  | 'identity'
  | 'release an identity'
  | 'edit an identity'
  | 'retain'
  | 'collect'
  | 'upstream collects'
  | 'lose a node'
  | 'cut a node off'
  | 'set a clock'
  | EditName

const weights: ReadonlyArray<readonly [EventName, number]> = [
  ['pod', 50],
  ['rollout', 4],
  ['identity', 14],
  ['release an identity', 3],
  ['edit an identity', 6],
  ['retain', 6],
  ['edit the set', 4],
  ['collect', 10],
  ['upstream collects', 3],
  ['cut a node off', 3],
  ['set a clock', 2],
  ['lose a node', 1],
  ['release affinities', 3],
  ['edit a pool', 3],
  ['edit the reservation', 2],
  ['edit the configuration', 2],
  ['edit the service', 3],
]

/** On one machine there is no network to be cut, and nobody else's allocator. */
const onlyInClusters: ReadonlySet<EventName> = new Set([
  'upstream collects',
  'cut a node off',
  'lose a node',
])

export interface Planned extends Event {
  readonly name: EventName
  readonly gapMs: number
}

const nameFor = (random: SeededRandom, mode: Mode): EventName => {
  const possible = weights.filter(([name]) => mode !== 'local' || !onlyInClusters.has(name))
  let drawn = random.next() * possible.reduce((sum, [, weight]) => sum + weight, 0)
  for (const [name, weight] of possible) {
    drawn -= weight
    if (drawn < 0) return name
  }
  return 'pod'
}

/** Bursts, where requests overlap, and quiet in between, where time passes. */
const gapFor = (random: SeededRandom): number =>
  random.chance(0.7) ? random.between(0.1, 20) : random.between(1000, 45_000)

export const planned = (seed: number, mode: Mode, index: number): Planned => {
  const random = new SeededRandom(seedOf(seed, index))
  return { index, name: nameFor(random, mode), gapMs: gapFor(random), random, attempts: 0 }
}
