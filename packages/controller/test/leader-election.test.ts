import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  afterRead,
  afterWrite,
  type ElectionMemory,
  electionLimitsFault,
  electionStep,
  isLeading,
  type LeaseRecord,
  defaultElectionLimits as limits,
} from '../src/decisions/leader-election.ts'

const theirs: LeaseRecord = { version: '7', holder: 'b', transitions: 3 }
const at = (nowMs: number, over: object = {}) => ({
  self: 'a',
  lease: theirs as LeaseRecord | undefined,
  memory: {} as ElectionMemory,
  nowMs,
  stopping: false,
  ...over,
})

describe('one step', () => {
  test.each([
    ['no lease: made', at(0, { lease: undefined }), { tag: 'Create', holder: 'a', transitions: 0 }],
    [
      'given up: taken at once',
      at(0, { lease: { ...theirs, holder: '' } }),
      { tag: 'Update', version: '7', holder: 'a', transitions: 4 },
    ],
    ['seen first now: a whole lease is waited', at(1e9), { tag: 'Wait', ms: 2000 }],
    [
      'unchanged just short of the lease',
      at(14_999, { memory: { seen: { version: '7', sinceMs: 0 } } }),
      { tag: 'Wait', ms: 1 },
    ],
    [
      'unchanged for the lease: taken',
      at(15_000, { memory: { seen: { version: '7', sinceMs: 0 } } }),
      { tag: 'Update', version: '7', holder: 'a', transitions: 4 },
    ],
    [
      'another version seen before does not count',
      at(15_000, { memory: { seen: { version: '6', sinceMs: 0 } } }),
      { tag: 'Wait', ms: 2000 },
    ],
    [
      'our name, but not our term (started anew): waited',
      at(1, { lease: { ...theirs, holder: 'a' } }),
      { tag: 'Wait', ms: 2000 },
    ],
    [
      'ours, fresh',
      at(500, { lease: { ...theirs, holder: 'a' }, memory: { renewedMs: 0 } }),
      { tag: 'Wait', ms: 1500 },
    ],
    [
      'ours, due',
      at(2000, { lease: { ...theirs, holder: 'a' }, memory: { renewedMs: 0 } }),
      { tag: 'Update', version: '7', holder: 'a', transitions: 3 },
    ],
    [
      'ours, told to stop: given up',
      at(500, { lease: { ...theirs, holder: 'a' }, memory: { renewedMs: 0 }, stopping: true }),
      { tag: 'Update', version: '7', holder: '', transitions: 3 },
    ],
    [
      'told to stop, not ours: left alone',
      at(1e9, { memory: { seen: { version: '7', sinceMs: 0 } }, stopping: true }),
      { tag: 'Wait', ms: 0 },
    ],
  ])('%s', (_name, situation, step) => {
    expect(electionStep(situation, limits)).toEqual(step)
  })
  test('a term ends when the record names somebody else', () => {
    expect(afterRead(at(5, { memory: { renewedMs: 0 } }))).toEqual({
      seen: { version: '7', sinceMs: 5 },
    })
  })
  test('the time of an unchanged record runs on, that of a changed one starts again', () => {
    const seen = (version: string) => ({ memory: { seen: { version, sinceMs: 1 } } })
    expect(afterRead(at(9, seen('7')))).toEqual({ seen: { version: '7', sinceMs: 1 } })
    expect(afterRead(at(9, seen('6')))).toEqual({ seen: { version: '7', sinceMs: 9 } })
  })
  test.each([
    [limits, undefined],
    [
      { ...limits, renewDeadlineMs: 12_000 },
      'the renew deadline must be at most three quarters of the lease duration',
    ],
    [
      { ...limits, retryPeriodMs: 6_000 },
      'the retry period must be at most half of the renew deadline',
    ],
    [
      { ...limits, retryPeriodMs: 0 },
      'lease duration, renew deadline and retry period must be above zero',
    ],
  ])('limits %#', (given, fault) => {
    expect(electionLimitsFault(given)).toBe(fault)
  })
})

// Three processes with clocks of any offset and speeds within ten per cent; requests and replies
// get lost; a process sleeps in mid-write. Never do two of them believe that they lead.
const turn = fc.record({
  who: fc.nat(2),
  waitMs: fc.integer({ min: 1, max: 9_000 }),
  delayMs: fc.integer({ min: 0, max: 4_000 }),
  fate: fc.constantFrom('ok', 'ok', 'ok', 'lost request', 'lost reply', 'restart', 'stop'),
})
test('never two leaders', () => {
  const clocks = fc.array(
    fc.record({
      offset: fc.integer({ min: 0, max: 1e9 }),
      rate: fc.double({ min: 0.95, max: 1.05, noNaN: true }),
    }),
    { minLength: 3, maxLength: 3 },
  )
  let ledOnce = 0
  fc.assert(
    fc.property(clocks, fc.array(turn, { maxLength: 80 }), (clock, turns) => {
      let now = 0
      let version = 0
      let stored: LeaseRecord | undefined
      const memory: ElectionMemory[] = [{}, {}, {}]
      const localNow = (who: number): number =>
        (clock[who]?.offset ?? 0) + now * (clock[who]?.rate ?? 1)
      const check = (): void => {
        const leaders = memory.filter((one, who) => isLeading(one, localNow(who), limits))
        ledOnce += leaders.length
        expect(leaders.length).toBeLessThan(2)
      }
      for (const { who, waitMs, delayMs, fate } of turns) {
        now += waitMs
        check()
        if (fate === 'restart') memory[who] = {}
        const self = String(who)
        const situation = {
          self,
          lease: stored,
          memory: memory[who] ?? {},
          nowMs: localNow(who),
          stopping: fate === 'stop',
        }
        const seen = afterRead(situation)
        // Giving up: the process stops acting before it sends the record that frees the lease.
        memory[who] = seen
        const step = electionStep({ ...situation, memory: seen }, limits)
        if (step.tag === 'Wait') continue
        const sentMs = localNow(who)
        if (step.holder === '') memory[who] = {}
        now += delayMs
        if (fate === 'lost request') continue
        const isCurrent =
          step.tag === 'Create' ? stored === undefined : stored?.version === step.version
        if (!isCurrent) continue
        version += 1
        stored = { version: String(version), holder: step.holder, transitions: step.transitions }
        if (fate === 'lost reply') continue
        now += delayMs
        memory[who] = afterWrite(step.holder, stored.version, sentMs)
        check()
      }
    }),
    { numRuns: 2000 },
  )
  expect(ledOnce).toBeGreaterThan(100)
})
