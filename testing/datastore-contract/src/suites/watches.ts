/** Watching: what exists, Synced, then every change; or, undeclared, a clear refusal. */
import assert from 'node:assert/strict'
import type { Datastore, DatastoreFailure, Revision, WatchEvent } from '@hc-calico/ipam-core/ports'
import type { ContractCase } from '../contract-case.ts'
import { handle, handleKey } from '../samples.ts'
import { commit } from '../steps.ts'

const waitMs = 10_000

const textOf = (event: WatchEvent<'Handle'>): string => {
  if (event.tag === 'Synced') return 'Synced'
  return event.tag === 'Put'
    ? `Put ${event.keyValue.key.id} ${event.keyValue.value.blocks['10.9.0.8/29']}`
    : `Deleted ${event.key.id}`
}

const changeThings = async (store: Datastore, revision: Revision): Promise<void> => {
  const key = handleKey('old')
  const value = handle('old', 2)
  const [next] = await commit(store, [{ op: 'update', key, value, revision }])
  await commit(store, [{ op: 'create', key: handleKey('new'), value: handle('new') }])
  await commit(store, [{ op: 'delete', key, revision: next as Revision }])
}

export const watchCases: ReadonlyArray<ContractCase> = [
  {
    group: 'watch',
    name: 'reports what exists, Synced, changes of another client, and deletes; abort ends it',
    run: async ({ first, second, capabilities }) => {
      if (!capabilities.watch) return
      const create = { op: 'create', key: handleKey('old'), value: handle('old') } as const
      const [revision] = await commit(first, [create])
      const abort = new AbortController()
      const timer = setTimeout(() => abort.abort(), waitMs)
      const seen: string[] = []
      for await (const event of second.watch('Handle', abort.signal)) {
        seen.push(textOf(event))
        if (event.tag === 'Synced') await changeThings(first, revision as Revision)
        if (event.tag === 'Deleted') setTimeout(() => abort.abort(), 500)
      }
      clearTimeout(timer)
      assert.deepEqual(seen.slice(0, 2), ['Put old 1', 'Synced'])
      assert.ok(seen.includes('Put new 1'), `no creation among ${seen.join(', ')}`)
      assert.ok(seen.includes('Deleted old'), `no deletion among ${seen.join(', ')}`)
    },
  },
  {
    group: 'capabilities',
    name: 'a watch that is not declared fails with Unsupported',
    run: async ({ first, capabilities }) => {
      if (capabilities.watch) return
      const signal = new AbortController().signal
      const start = async (): Promise<void> => {
        for await (const _ of first.watch('Handle', signal)) return
      }
      await assert.rejects(start, (failure: DatastoreFailure) => {
        assert.equal(failure.error.tag, 'Unsupported')
        return true
      })
    },
  },
  {
    group: 'capabilities',
    name: 'are what the store declares',
    run: async ({ first, capabilities }) => {
      assert.equal(first.capabilities.atomicCommit ?? false, capabilities.atomicCommit ?? false)
      assert.equal(first.capabilities.watch ?? false, capabilities.watch ?? false)
    },
  },
]
