import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  blocksOfHandle,
  decremented,
  emptyHandle,
  handleCount,
  handleWrite,
  incremented,
  withoutBlocks,
} from '../../src/decisions/handle-changes.ts'
import type { Handle } from '../../src/model/handle.ts'
import type { KeyValue, Revision } from '../../src/ports/index.ts'

const a = '10.0.0.0/26'
const b = '10.0.0.64/26'
const c = 'fd00::/122'
const handle: Handle = { id: 'h', blocks: { [a]: 2, [c]: 1 }, unknownFields: { later: 1 } }
const stored = (value: Handle): KeyValue<'Handle'> => ({
  key: { kind: 'Handle', id: value.id },
  value,
  revision: '7' as Revision,
})

describe('counts', () => {
  test('change by block and keep what is not known', () => {
    expect(incremented(handle, b, 3)).toEqual({ ...handle, blocks: { [a]: 2, [b]: 3, [c]: 1 } })
    expect(decremented(handle, a, 1).blocks).toEqual({ [a]: 1, [c]: 1 })
    expect(decremented(handle, a, 2).blocks).toEqual({ [c]: 1 })
    expect(decremented(handle, a, 9).blocks).toEqual({ [c]: 1 })
    expect(decremented(handle, b, 1).blocks).toEqual(handle.blocks)
    expect(withoutBlocks(handle, [a, b])).toEqual({ ...handle, blocks: { [c]: 1 } })
    expect(handle.blocks).toEqual({ [a]: 2, [c]: 1 })
  })

  test('sum by family', () => {
    expect(handleCount(incremented(handle, b, 3), 4)).toBe(5)
    expect(handleCount(handle, 6)).toBe(1)
    expect(blocksOfHandle(handle, 6)).toEqual([c])
  })

  test('are what was added and not yet taken away', () => {
    const change = fc.record({
      cidr: fc.constantFrom(a, b, c),
      count: fc.integer({ min: 1, max: 5 }),
    })
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 20 }),
        fc.infiniteStream(fc.boolean()),
        (all, up) => {
          const counts = new Map<string, number>()
          let now = emptyHandle('h')
          for (const { cidr, count } of all) {
            const held = counts.get(cidr) ?? 0
            const grow = held === 0 || up.next().value === true
            const by = grow ? count : Math.min(held, count)
            now = grow ? incremented(now, cidr, by) : decremented(now, cidr, by)
            counts.set(cidr, grow ? held + by : held - by)
          }
          const expected = [...counts].filter(([, n]) => n > 0)
          expect(now.blocks).toEqual(Object.fromEntries(expected))
        },
      ),
    )
  })
})

test.each([
  ['no handle, counts', undefined, handle, 'create'],
  ['no handle, nothing', undefined, emptyHandle('h'), undefined],
  ['a handle, counts', stored(handle), incremented(handle, b, 1), 'update'],
  ['a handle, nothing', stored(handle), withoutBlocks(handle, [a, c]), 'delete'],
])('the write for %s', (_, before, next, op) => {
  expect(handleWrite(before, next)?.op).toBe(op)
})
