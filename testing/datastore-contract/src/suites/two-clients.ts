/** Two clients, one key: exactly one of two racing writes wins, round after round. */
import assert from 'node:assert/strict'
import type { Datastore, Revision, Write } from '@hc-calico/ipam-core/ports'
import type { ContractCase } from '../contract-case.ts'
import { block, blockKey, handle, handleKey } from '../samples.ts'
import { commit, read } from '../steps.ts'

const roundsMax = 25
const incrementsPerWriter = 25
const attemptsMax = 5_000

const race = async (a: Datastore, b: Datastore, one: Write, other: Write): Promise<void> => {
  const results = await Promise.all([a.commit([one])(), b.commit([other])()])
  const winners = results.filter((result) => result._tag === 'Right')
  assert.equal(winners.length, 1, `${winners.length} of two racing writes won`)
}

const rounds = (name: string, writes: (revision: Revision, id: string) => [Write, Write]) => ({
  group: 'two clients',
  name,
  run: async ({ first, second }: { first: Datastore; second: Datastore }): Promise<void> => {
    for (let round = 0; round < roundsMax; round += 1) {
      const id = `race-${round}`
      const create = { op: 'create', key: handleKey(id), value: handle(id) } as const
      const [revision] = await commit(first, [create])
      const [one, other] = writes(revision as Revision, id)
      await (round % 2 === 0 ? race(first, second, one, other) : race(second, first, one, other))
    }
  },
})

const update = (id: string, count: number, revision: Revision): Write => ({
  op: 'update',
  key: handleKey(id),
  value: handle(id, count),
  revision,
})

/** Adds one to a block's sequence number until it has done so often enough. */
const increment = async (store: Datastore, cidr: string): Promise<void> => {
  let done = 0
  for (let attempt = 0; attempt < attemptsMax && done < incrementsPerWriter; attempt += 1) {
    const [found] = await read(store, [{ get: blockKey(cidr) }])
    assert.ok(found)
    const value = { ...found.value, sequenceNumber: found.value.sequenceNumber + 1n }
    const write = { op: 'update', key: found.key, value, revision: found.revision } as const
    const result = await store.commit([write])()
    if (result._tag === 'Right') done += 1
  }
  assert.equal(done, incrementsPerWriter)
}

export const twoClientCases: ReadonlyArray<ContractCase> = [
  {
    group: 'two clients',
    name: 'creating one key: one wins',
    run: async ({ first, second }) => {
      for (let round = 0; round < roundsMax; round += 1) {
        const key = handleKey(`new-${round}`)
        const write = (count: number): Write => ({
          op: 'create',
          key,
          value: handle(key.id, count),
        })
        await race(first, second, write(1), write(2))
      }
    },
  },
  rounds('updating one key: one wins', (revision, id) => [
    update(id, 2, revision),
    update(id, 3, revision),
  ]),
  rounds('updating and deleting one key: one wins', (revision, id) => [
    update(id, 2, revision),
    { op: 'delete', key: handleKey(id), revision },
  ]),
  {
    group: 'two clients',
    name: 'counting on one block: no update is lost',
    run: async ({ first, second }) => {
      const cidr = '10.9.0.8/29'
      await commit(first, [{ op: 'create', key: blockKey(cidr), value: block(cidr, 2n ** 62n) }])
      await Promise.all([first, second, first, second].map((store) => increment(store, cidr)))
      const [found] = await read(first, [{ get: blockKey(cidr) }])
      assert.equal(found?.value.sequenceNumber, 2n ** 62n + BigInt(4 * incrementsPerWriter))
    },
  },
]
