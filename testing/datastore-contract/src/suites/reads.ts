/** Batched reads, lists with filters, and values that come back as they were written. */
import assert from 'node:assert/strict'
import type { ContractCase } from '../contract-case.ts'
import { affinity, affinityKey, block, blockKey, handle, handleKey, samples } from '../samples.ts'
import { commit, read } from '../steps.ts'

const cidrs = ['10.9.0.0/29', '10.9.0.8/29', 'fd80::/122'] as const

export const readCases: ReadonlyArray<ContractCase> = [
  {
    group: 'read',
    name: 'answers gets and lists together, in order; absent is undefined',
    run: async ({ first, second }) => {
      await commit(first, [{ op: 'create', key: handleKey('b'), value: handle('b') }])
      const [absent, list, found] = await read(second, [
        { get: handleKey('a') },
        { list: 'Handle' },
        { get: handleKey('b') },
      ])
      assert.equal(absent, undefined)
      assert.deepEqual(list, [found])
    },
  },
  {
    group: 'list',
    name: 'narrows blocks by family and affinities by host and family, not by prefix of a name',
    run: async ({ first, second }) => {
      for (const cidr of cidrs) {
        for (const host of ['n1', 'n10']) {
          const value = affinity(host, cidr)
          await commit(first, [{ op: 'create', key: affinityKey(host, cidr), value }])
        }
        const size = cidr.endsWith('122') ? 64 : 8
        const value = { ...block(cidr), ...free(size) }
        await commit(first, [{ op: 'create', key: blockKey(cidr), value }])
      }
      const [v4, v6, ofHost, ofHost6] = await read(second, [
        { list: 'Block', where: { family: 4 } },
        { list: 'Block', where: { family: 6 } },
        { list: 'BlockAffinity', where: { type: 'host', host: 'n1' } },
        { list: 'BlockAffinity', where: { type: 'host', host: 'n10', family: 6 } },
      ])
      assert.deepEqual(
        v4.map((one) => one.value.cidr),
        ['10.9.0.0/29', '10.9.0.8/29'],
      )
      assert.deepEqual(
        v6.map((one) => one.value.cidr),
        ['fd80::/122'],
      )
      assert.deepEqual(new Set(ofHost.map((one) => one.value.host)), new Set(['n1']))
      assert.equal(ofHost.length, 3)
      assert.deepEqual(
        ofHost6.map((one) => one.key),
        [affinityKey('n10', 'fd80::/122')],
      )
    },
  },
  {
    group: 'values',
    name: 'of every kind come back as they were: unknown fields, 64-bit numbers, any text',
    run: async ({ first, second, writableKinds }) => {
      const written = samples.filter(({ key }) => writableKinds?.includes(key.kind) ?? true)
      for (const { key, value } of written) {
        await commit(first, [{ op: 'create', key, value } as never])
        const [found] = await read(second, [{ get: key } as never])
        const { unknownFields: _, ...known } = (found as { value: Record<string, unknown> }).value
        const { unknownFields, ...expected } = value as unknown as Record<string, unknown>
        assert.deepEqual(known, expected)
        if (unknownFields !== undefined) assert.deepEqual(_, unknownFields)
      }
    },
  },
  {
    group: 'values',
    name: 'that were read cannot be used to change the store',
    run: async ({ first }) => {
      await commit(first, [{ op: 'create', key: handleKey('c'), value: handle('c') }])
      const [found] = await read(first, [{ get: handleKey('c') }])
      try {
        ;(found?.value.blocks as Record<string, number>)['10.9.0.8/29'] = 99
      } catch {
        // frozen is as good as copied
      }
      const [again] = await read(first, [{ get: handleKey('c') }])
      assert.deepEqual(again?.value, handle('c'))
    },
  },
]

const free = (size: number) => ({
  allocations: Array.from({ length: size }, () => null),
  unallocated: Array.from({ length: size }, (_, i) => i),
  attributes: [],
  sequenceNumberForAllocation: {},
})
