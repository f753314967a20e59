/** create, update, delete: each on its condition; a failure says what is there now. */
import assert from 'node:assert/strict'
import type { Revision } from '@hc-calico/ipam-core/ports'
import type { ContractCase } from '../contract-case.ts'
import { handle, handleKey } from '../samples.ts'
import { commit, commitFails, read } from '../steps.ts'

const key = handleKey('h')
const create = { op: 'create', key, value: handle('h') } as const

export const writeCases: ReadonlyArray<ContractCase> = [
  {
    group: 'create',
    name: 'is seen by another client, with the revision that was reported',
    run: async ({ first, second }) => {
      const [revision] = await commit(first, [create])
      const [found] = await read(second, [{ get: key }])
      assert.deepEqual(found, { key, value: handle('h'), revision })
    },
  },
  {
    group: 'create',
    name: 'of what exists fails with AlreadyExists and the current value, and changes nothing',
    run: async ({ first, second }) => {
      const [revision] = await commit(first, [create])
      const again = { ...create, value: handle('h', 9) }
      const failure = await commitFails(second, [again], 'AlreadyExists')
      assert.deepEqual(failure.applied, [])
      assert.deepEqual(failure.current[0]?.found, { key, value: handle('h'), revision })
      assert.equal((await read(first, [{ get: key }]))[0]?.revision, revision)
    },
  },
  {
    group: 'update',
    name: 'needs the current revision, which changes with every write',
    run: async ({ first, second }) => {
      const [one] = await commit(first, [create])
      const update = (revision: Revision | undefined, count: number) =>
        ({ op: 'update', key, value: handle('h', count), revision: revision as Revision }) as const
      const [two] = await commit(second, [update(one, 2)])
      assert.notEqual(two, one)
      const failure = await commitFails(first, [update(one, 3)], 'Conflict')
      assert.deepEqual(failure.current[0]?.found, { key, value: handle('h', 2), revision: two })
      await commit(first, [update(two, 4)])
      assert.deepEqual((await read(second, [{ get: key }]))[0]?.value, handle('h', 4))
    },
  },
  {
    group: 'update',
    name: 'of what is gone fails with NotFound',
    run: async ({ first }) => {
      const [revision] = await commit(first, [create])
      await commit(first, [{ op: 'delete', key, revision: revision as Revision }])
      const late = { op: 'update', key, value: handle('h', 5), revision: revision as Revision }
      const failure = await commitFails(first, [late as never], 'NotFound')
      assert.deepEqual(failure.current, [{ key, found: undefined }])
    },
  },
  {
    group: 'delete',
    name: 'needs the current revision; afterwards the object is absent',
    run: async ({ first, second }) => {
      const [one] = await commit(first, [create])
      const update = {
        op: 'update',
        key,
        value: handle('h', 2),
        revision: one as Revision,
      } as const
      const [two] = await commit(first, [update])
      await commitFails(second, [{ op: 'delete', key, revision: one as Revision }], 'Conflict')
      const revisions = await commit(second, [{ op: 'delete', key, revision: two as Revision }])
      assert.deepEqual(revisions, [undefined])
      assert.deepEqual(await read(first, [{ get: key }]), [undefined])
    },
  },
  {
    group: 'revisions',
    name: 'are not used again when an object is deleted and created anew',
    run: async ({ first }) => {
      const [one] = await commit(first, [create])
      await commit(first, [{ op: 'delete', key, revision: one as Revision }])
      const [two] = await commit(first, [create])
      assert.notEqual(two, one)
      await commitFails(first, [{ op: 'delete', key, revision: one as Revision }], 'Conflict')
    },
  },
]
