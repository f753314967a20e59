/** Several writes in one commit: together or in order, as the capability says. */
import assert from 'node:assert/strict'
import type { ContractCase } from '../contract-case.ts'
import { affinity, affinityKey, block, blockKey, handle, handleKey } from '../samples.ts'
import { commit, commitFails, read } from '../steps.ts'

const cidr = '10.9.0.8/29'
const writes = [
  { op: 'create', key: handleKey('a'), value: handle('a') },
  { op: 'create', key: blockKey(cidr), value: block(cidr) },
  { op: 'create', key: affinityKey('n1', cidr), value: affinity('n1', cidr) },
] as const

export const commitCases: ReadonlyArray<ContractCase> = [
  {
    group: 'commit',
    name: 'of several kinds is there as a whole, one revision per write',
    run: async ({ first, second }) => {
      const revisions = await commit(first, writes)
      const found = await read(
        second,
        writes.map(({ key }) => ({ get: key })),
      )
      assert.deepEqual(
        found.map((one) => (one as { revision: string } | undefined)?.revision),
        revisions,
      )
    },
  },
  {
    group: 'commit',
    name: 'that fails in the middle leaves nothing where it is atomic, else exactly what it says',
    run: async ({ first, second, capabilities }) => {
      await commit(first, [writes[1]])
      const failure = await commitFails(second, writes, 'AlreadyExists')
      const [a, , c] = await read(first, [
        { get: writes[0].key },
        { get: writes[1].key },
        { get: writes[2].key },
      ])
      assert.equal(c, undefined, 'what follows the failed write must not be applied')
      assert.equal(failure.applied.length, capabilities.atomicCommit ? 0 : 1)
      assert.equal(a?.revision, failure.applied[0])
      const conflicting = failure.current.find(({ key }) => key.kind === 'Block')
      assert.deepEqual(conflicting?.found?.value, block(cidr))
    },
  },
]
