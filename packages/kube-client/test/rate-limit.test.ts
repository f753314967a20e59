// The token bucket, in virtual time.
import { expect, test } from 'vitest'
import { rateLimit, type Ticker } from '../src/rate-limit.ts'

const ticker = (): Ticker & { ms: number } => {
  const clock = {
    ms: 0,
    now: () => clock.ms,
    sleep: async (ms: number) => {
      clock.ms += ms
    },
  }
  return clock
}

/** When each of so many requests, made one after the other, was admitted. */
const times = async (qps: number, burst: number, count: number): Promise<number[]> => {
  const clock = ticker()
  const limit = rateLimit(qps, burst, clock)
  const admitted: number[] = []
  for (let n = 0; n < count; n += 1) {
    await limit.admit()
    admitted.push(Math.round(clock.ms))
  }
  return admitted
}

test('a burst at once, then so many a second', async () => {
  expect(await times(5, 3, 6)).toEqual([0, 0, 0, 200, 400, 600])
})

test('no limit', async () => {
  expect(await times(0, 1, 3)).toEqual([0, 0, 0])
})

test('what was not used comes back, up to the burst', async () => {
  const clock = ticker()
  const limit = rateLimit(10, 2, clock)
  for (let n = 0; n < 2; n += 1) await limit.admit()
  clock.ms += 60_000
  for (let n = 0; n < 3; n += 1) await limit.admit()
  expect(Math.round(clock.ms)).toBe(60_100)
})

test('a wait that is cancelled is over', async () => {
  const limit = rateLimit(0.001, 1)
  await limit.admit()
  const end = new AbortController()
  const waiting = limit.admit(end.signal)
  end.abort()
  await waiting
})
