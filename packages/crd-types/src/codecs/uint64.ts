/**
 * 64-bit counters. parseJSON gives a number for what a number holds exactly and a bigint beyond;
 * documents must not change type with the size of a counter, so here it is always a bigint.
 */
import type * as t from 'io-ts'
import { scalar } from './primitives.ts'

const max = 2n ** 64n - 1n

const isUint64 = (value: unknown): value is bigint =>
  typeof value === 'bigint' && value >= 0n && value <= max

export const uint64: t.Type<bigint, unknown> = scalar(
  'a whole number of 64 bits',
  isUint64,
  (value) => {
    const wide = Number.isSafeInteger(value) ? BigInt(value as number) : value
    return isUint64(wide) ? wide : undefined
  },
)
