/**
 * Commits whose answer is lost: the store must not claim to know. Success would be a lie, and so
 * would Unavailable, which promises that nothing was written.
 */
import assert from 'node:assert/strict'
import type { ContractCase, ContractContext } from '../contract-case.ts'
import type { LossyClient } from '../lossy-store.ts'
import { handle, handleKey } from '../samples.ts'
import { commitFails, read } from '../steps.ts'

const create = (id: string) => ({ op: 'create', key: handleKey(id), value: handle(id) }) as const

/** Connected before anything is lost, so that what is lost is the commit. */
const connected = async ({ lossy }: ContractContext): Promise<LossyClient> => {
  assert.ok(lossy !== undefined, 'a store that declares lossyClient has to open one')
  await read(lossy.store, [{ get: handleKey('nobody') }])
  return lossy
}

export const outcomeUnknownCases: ReadonlyArray<ContractCase> = [
  {
    group: 'outcome unknown',
    name: 'a commit whose reply is lost fails with OutcomeUnknown, and reading shows it',
    run: async (context) => {
      const lossy = await connected(context)
      lossy.loseNextReply()
      await commitFails(lossy.store, [create('lost')], 'OutcomeUnknown')
      const [found] = await read(lossy.store, [{ get: handleKey('lost') }])
      assert.deepEqual(found?.value, handle('lost'))
      const failure = await commitFails(lossy.store, [create('lost')], 'AlreadyExists')
      assert.deepEqual(failure.current[0]?.found, found)
    },
  },
  {
    group: 'outcome unknown',
    name: 'a commit that is lost on its way fails so that its caller reads, and nothing is there',
    run: async (context) => {
      const lossy = await connected(context)
      lossy.loseNextRequest()
      const result = await lossy.store.commit([create('never')])()
      assert.equal(result._tag, 'Left')
      const { error } = (result as { left: { error: { tag: string; retryable: boolean } } }).left
      assert.ok(['OutcomeUnknown', 'Unavailable'].includes(error.tag), error.tag)
      assert.equal(error.retryable, true)
      const [found] = await read(context.second, [{ get: handleKey('never') }])
      assert.equal(found, undefined)
    },
  },
]
