/** Lists: in ascending order of keys, whole, and without what was deleted. */
import assert from 'node:assert/strict'
import type { Revision } from '@hc-calico/ipam-core/ports'
import type { ContractCase } from '../contract-case.ts'
import { handle, handleKey } from '../samples.ts'
import { commit, read } from '../steps.ts'

const many = 600

export const listCases: ReadonlyArray<ContractCase> = [
  {
    group: 'list',
    name: 'is in ascending order of keys, without what was deleted',
    run: async ({ first, second }) => {
      for (const id of ['c', 'a', 'd', 'b']) {
        await commit(first, [{ op: 'create', key: handleKey(id), value: handle(id) }])
      }
      const [gone] = await read(first, [{ get: handleKey('d') }])
      const revision = gone?.revision as Revision
      await commit(first, [{ op: 'delete', key: handleKey('d'), revision }])
      const [listed] = await read(second, [{ list: 'Handle' }])
      assert.deepEqual(
        listed.map(({ key }) => key.id),
        ['a', 'b', 'c'],
      )
    },
  },
  {
    group: 'list',
    name: `of ${many} objects is whole`,
    run: async ({ first, second }) => {
      const ids = Array.from({ length: many }, (_, n) => `h${String(n).padStart(4, '0')}`)
      for (let from = 0; from < many; from += 50) {
        const part = ids.slice(from, from + 50)
        const writes = part.map((id) => ({ op: 'create', key: handleKey(id), value: handle(id) }))
        await commit(first, writes as never)
      }
      const [listed] = await read(second, [{ list: 'Handle' }])
      assert.deepEqual(
        listed.map(({ key }) => key.id),
        ids,
      )
    },
  },
]
