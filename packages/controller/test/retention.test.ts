import { describe, expect, test } from 'vitest'
import { reservedOrdinals, wantedOrdinals, wantsOrdinal } from '../src/decisions/fixed-set.ts'
import {
  type RetentionPolicy,
  type RetentionSituation,
  retentionVerdict,
} from '../src/decisions/retention.ts'
import { parseRetention } from '../src/decisions/retention-policy.ts'

const limits = { graceMs: 60_000, unknownPolicyMs: 3_600_000 }
const whileSet = { tag: 'WhileSetExists' } as const
const onScaleDown = { tag: 'ReleaseOnScaleDown' } as const
const hour = { tag: 'KeepAfterSet', ms: 3_600_000 } as const
const gone: RetentionSituation = {
  ordinal: 2,
  inUse: false,
  set: undefined,
  recordedPolicy: whileSet,
  setGoneForMs: 0,
  absentSinceMs: 0,
  nowMs: 60_000,
}
const set = { policy: whileSet, replicas: 1, firstOrdinal: 0, reserved: new Set<number>() }
const scaled = (over: object = {}) => ({ ...gone, set: { ...set, policy: onScaleDown, ...over } })

describe('one identity', () => {
  test.each<[string, RetentionSituation, string]>([
    ['a pod exists', { ...gone, inUse: true }, 'Keep'],
    ['scaled down, default', { ...gone, set }, 'Keep'],
    ['scaled down, released on it', scaled(), 'Release'],
    ['scaled down, first sight', { ...scaled(), absentSinceMs: undefined }, 'Watch'],
    ['wanted, pod not there yet', scaled({ replicas: 3 }), 'Keep'],
    ['wanted by spec.ordinals.start', scaled({ firstOrdinal: 2 }), 'Keep'],
    ['below spec.ordinals.start', scaled({ firstOrdinal: 3 }), 'Release'],
    [
      'wanted, because another is left out',
      scaled({ replicas: 2, reserved: new Set([1]) }),
      'Keep',
    ],
    ['left out itself', scaled({ replicas: 5, reserved: new Set([2]) }), 'Release'],
    ['nobody can read what is left out', scaled({ reserved: undefined }), 'Keep'],
    ['set gone, grace over', gone, 'Release'],
    ['set gone, within grace', { ...gone, nowMs: 59_999 }, 'Watch'],
    ['set gone, kept for an hour', { ...gone, recordedPolicy: hour }, 'Watch'],
    ['the hour is over', { ...gone, recordedPolicy: hour, setGoneForMs: 3_600_000 }, 'Release'],
    [
      'the hour is over, but this process has only just come',
      { ...gone, recordedPolicy: hour, setGoneForMs: 3_600_000, absentSinceMs: undefined },
      'Watch',
    ],
    ['for ever', { ...gone, recordedPolicy: { tag: 'Forever' }, setGoneForMs: 1e15 }, 'Keep'],
    ['nobody knows the policy', { ...gone, recordedPolicy: undefined }, 'Watch'],
    [
      'nobody knows it, for long',
      { ...gone, recordedPolicy: undefined, setGoneForMs: 3_600_000 },
      'Release',
    ],
  ])('%s', (_name, situation, tag) => {
    expect(retentionVerdict(situation, limits).tag).toBe(tag)
  })
  test('a first sight never releases, without any grace time neither', () => {
    const first = { ...gone, absentSinceMs: undefined }
    expect(retentionVerdict(first, { ...limits, graceMs: 0 }).tag).toBe('Watch')
  })
  test('made anew within the time: the absence is forgotten, and starts again', () => {
    expect(retentionVerdict({ ...gone, set }, limits)).toEqual({ tag: 'Keep' })
    expect(retentionVerdict({ ...gone, absentSinceMs: undefined }, limits)).toEqual({
      tag: 'Watch',
      sinceMs: 60_000,
      untilMs: 120_000,
    })
  })
  test('what the policy still grants says when to ask again', () => {
    const half = { ...gone, recordedPolicy: hour, setGoneForMs: 1_800_000 }
    expect(retentionVerdict(half, limits)).toMatchObject({ untilMs: 1_860_000 })
  })
})

describe('policies as people write them', () => {
  test.each<[string | undefined, RetentionPolicy | undefined]>([
    [undefined, whileSet],
    ['while-set-exists', whileSet],
    [' release-on-scale-down ', onScaleDown],
    ['forever', { tag: 'Forever' }],
    ['keep-for=7d', { tag: 'KeepAfterSet', ms: 604_800_000 }],
    ['keep-for=1h30m', { tag: 'KeepAfterSet', ms: 5_400_000 }],
    ['keep-for=20s', { tag: 'KeepAfterSet', ms: 20_000 }],
    ['keep-for=7', undefined],
    ['keep-for=0s', undefined],
    ['keep-for=', undefined],
    ['keep-for=-1h', undefined],
    ['keep-for=999999999d', undefined],
    ['for ever', undefined],
    ['', undefined],
    ['constructor', undefined],
  ])('%s', (text, policy) => {
    const parsed = parseRetention(text)
    expect('policy' in parsed ? parsed.policy : undefined).toEqual(policy)
    if (policy === undefined)
      expect(parsed).toMatchObject({ problem: expect.stringContaining('"') })
  })
})

describe('ordinals', () => {
  test.each<[string, number, number, unknown, number[]]>([
    ['three', 3, 0, undefined, [0, 1, 2]],
    ['none', 0, 0, null, []],
    ['a first ordinal', 2, 3, undefined, [3, 4]],
    ['some left out', 3, 0, [1, '3'], [0, 2, 4]],
    ['a range left out', 2, 0, ['0-2'], [3, 4]],
    ['left out below the first', 2, 2, [1], [2, 3]],
    ['nothing left out', 1, 0, [], [0]],
  ])('%s', (_name, replicas, firstOrdinal, reserve, wanted) => {
    const size = { replicas, firstOrdinal, reserved: reservedOrdinals(reserve) }
    expect([0, 1, 2, 3, 4, 5].filter((one) => wantsOrdinal(size, one))).toEqual(wanted)
    expect(wantedOrdinals(size, 10)).toEqual(wanted)
    expect(wantedOrdinals(size, 1)).toEqual(wanted.slice(0, 1))
  })
  test.each([['x'], ['5-3'], ['0-999999999'], [{}]])('what nobody can read: all (%s)', (entry) => {
    const size = { replicas: 1, firstOrdinal: 0, reserved: reservedOrdinals([entry]) }
    expect(wantsOrdinal(size, 7)).toBe(true)
    expect(reservedOrdinals('1')).toBeUndefined()
  })
})
