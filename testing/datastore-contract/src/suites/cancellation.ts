/** A call whose caller has given up already: it fails as Unavailable and does nothing. */
import assert from 'node:assert/strict'
import type { ContractCase } from '../contract-case.ts'
import { handle, handleKey } from '../samples.ts'
import { read } from '../steps.ts'

const cancellation = AbortSignal.abort()
const key = handleKey('given-up')

export const cancellationCases: ReadonlyArray<ContractCase> = [
  {
    group: 'cancellation',
    name: 'a cancelled read fails with Unavailable',
    run: async ({ first }) => {
      const answer = await first.read([{ get: key }], { cancellation })()
      assert.equal(answer._tag === 'Left' && answer.left.tag, 'Unavailable')
    },
  },
  {
    group: 'cancellation',
    name: 'a commit cancelled before it was sent fails with Unavailable and writes nothing',
    run: async ({ first, second }) => {
      const create = { op: 'create', key, value: handle(key.id) } as const
      const result = await first.commit([create], { cancellation })()
      assert.equal(result._tag === 'Left' && result.left.error.tag, 'Unavailable')
      assert.deepEqual(await read(second, [{ get: key }]), [undefined])
    },
  },
]
