/**
 * The compiled executable, hundreds of times and many at a time, killed with -9 at random instants;
 * then the simulation's own checkers on what the real datastore holds.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCrowd } from '../../src/processes/crowd.ts'
import { judgeStored } from '../../src/processes/judge-stored.ts'
import { call } from '../../src/processes/plugin-call.ts'
import { networkName, type Place, places } from './places.ts'

/** Lives one after the other; and all of them at once. */
const crowds = [
  { containers: 60, atOnce: 8 },
  { containers: 240, atOnce: 240 },
]
const seed = Date.now() % 1_000_000_000

const milliseconds = async (work: Promise<unknown>): Promise<number> => {
  const began = performance.now()
  await work
  return performance.now() - began
}

describe.each(places)('%s', (_, start) => {
  let place: Place
  beforeAll(async () => {
    place = await start()
  })
  afterAll(() => place?.close())

  const nodeOf = (container: number): string =>
    place.nodes[container % place.nodes.length] as string

  test.each(crowds)(
    `$containers containers, $atOnce at once, killed at random instants of seed ${seed}`,
    async ({ containers, atOnce }) => {
      const conf = place.confFor(nodeOf(0))
      const first = { containerID: 'first', conf }
      // Instants that spread over a call, on however busy a machine.
      const usualMs = await milliseconds(call({ command: 'ADD', ...first }))
      expect(await call({ command: 'DEL', ...first })).toEqual({ tag: 'Done', addresses: [] })
      const crowd = await runCrowd({
        seed,
        containers,
        atOnce,
        killed: 0.5,
        killWithinMs: usualMs * atOnce * 0.6,
        networkName,
        confFor: (container) => place.confFor(nodeOf(container)),
      })
      expect(crowd.faults).toEqual([])
      expect(crowd.refused).toEqual([])
      expect(crowd.kills).toBeGreaterThan(containers / 10)
      expect(crowd.claims.all.size).toBeGreaterThan(0)
      // What a killed process had sent may have arrived after the DEL that followed it.
      await crowd.sweep()
      expect(crowd.faults).toEqual([])
      expect(await judgeStored(place.datastore, crowd.claims)).toEqual([])
    },
    300_000,
  )
})
