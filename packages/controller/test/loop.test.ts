/** When a loop runs: its period, its triggers, what it needs, failures, a stop, a stall. */
import { expect, test } from 'vitest'
import { silentLog } from '../src/log.ts'
import { Loop, type LoopRun } from '../src/loop.ts'
import type { Reconciler } from '../src/reconciler.ts'
import { FilledCache } from '../src/sources/cache.ts'
import { manualClock } from './lab/manual-clock.ts'

const setUp = (reconciler: Partial<Reconciler> & Pick<Reconciler, 'reconcile'>) => {
  const clock = manualClock()
  const runs: LoopRun[] = []
  const onRun = (run: LoopRun): void => void runs.push(run)
  const whole = { name: 'test', periodMs: 10_000, needs: [], ...reconciler }
  const loop = new Loop(whole, { clock, log: silentLog, onRun })
  const stop = new AbortController()
  return { clock, loop, runs, stop }
}

test('it runs at once, and again a period after it ended', async () => {
  const { clock, loop, runs, stop } = setUp({ reconcile: async () => clock.sleep(3_000) })
  const running = loop.run(stop.signal)
  await clock.advance(2_999)
  expect(runs).toHaveLength(0)
  await clock.advance(1)
  expect(runs).toEqual([{ name: 'test', tookMs: 3_000, failure: undefined }])
  await clock.advance(12_999)
  expect(runs).toHaveLength(1)
  await clock.advance(1)
  expect(runs).toHaveLength(2)
  stop.abort()
  await running
})

test('a change runs it after what follows has been gathered; changes during a run count', async () => {
  const cache = new FilledCache<number>('numbers')
  const { clock, loop, runs, stop } = setUp({
    triggers: [cache],
    settleMs: 500,
    reconcile: async () => {
      if (runs.length === 1) cache.put('during', 1)
    },
  })
  void loop.run(stop.signal)
  await clock.advance(2_000)
  expect(runs).toHaveLength(1)
  cache.put('a', 1)
  await clock.advance(300)
  cache.put('b', 1)
  await clock.advance(199)
  expect(runs).toHaveLength(1)
  await clock.advance(1)
  expect(runs).toHaveLength(2)
  await clock.advance(500)
  expect(runs).toHaveLength(3)
  await clock.advance(9_999)
  expect(runs).toHaveLength(3)
  stop.abort()
})

test('it waits until what it needs is synced, and rests while that is stalled', async () => {
  const needed = new FilledCache<number>('needed', 60_000)
  const { clock, loop, runs, stop } = setUp({ needs: [needed], reconcile: async () => undefined })
  void loop.run(stop.signal)
  await clock.advance(5_000)
  expect(runs).toHaveLength(0)
  needed.beginList()
  needed.heard(clock.monotonicMs())
  needed.endList()
  await clock.advance(300)
  expect(runs).toHaveLength(1)
  await clock.advance(100_000)
  const before = runs.length
  expect(before).toBeLessThan(8)
  needed.heard(clock.monotonicMs())
  await clock.advance(300)
  expect(runs).toHaveLength(before + 1)
  stop.abort()
})

test('failures: pauses that grow, no trigger shortens them, one success ends them', async () => {
  const cache = new FilledCache<number>('numbers')
  let isBroken = true
  const { clock, loop, runs, stop } = setUp({
    triggers: [cache],
    reconcile: async () => {
      if (isBroken) throw new Error('broken')
    },
  })
  void loop.run(stop.signal)
  await clock.advance(0)
  expect(runs).toMatchObject([{ failure: 'broken' }])
  cache.put('a', 1)
  await clock.advance(999)
  expect(runs).toHaveLength(1)
  await clock.advance(1 + 2_000 + 4_000)
  expect(runs).toHaveLength(4)
  isBroken = false
  await clock.advance(8_000)
  expect(runs).toHaveLength(5)
  expect(loop.state()).toMatchObject({ failure: undefined, isStalled: false })
  stop.abort()
})

test('stopped in the middle of a run, it ends with the run', async () => {
  const steps: number[] = []
  const { clock, loop, stop } = setUp({
    reconcile: async (cancellation) => {
      for (let step = 0; step < 5 && !cancellation.aborted; step += 1) {
        await clock.sleep(1_000)
        steps.push(step)
      }
    },
  })
  let hasEnded = false
  const running = loop.run(stop.signal).then(() => {
    hasEnded = true
  })
  await clock.advance(1_500)
  stop.abort()
  await clock.advance(0)
  expect(hasEnded).toBe(false)
  await clock.advance(500)
  await running
  expect(steps).toEqual([0, 1])
})

test('a run that takes longer than it may is stalled until it ends', async () => {
  const { clock, loop, stop } = setUp({
    stallMs: 5_000,
    reconcile: async () => clock.sleep(8_000),
  })
  void loop.run(stop.signal)
  await clock.advance(5_000)
  expect(loop.state().isStalled).toBe(false)
  await clock.advance(1)
  expect(loop.state().isStalled).toBe(true)
  await clock.advance(3_000)
  expect(loop.state().isStalled).toBe(false)
  stop.abort()
})
