/** Stores that are wrong on purpose: the contract must catch every one of them. */
import { MemoryStore } from '@hc-calico/ipam-core/memory'
import {
  type Datastore,
  datastoreError,
  type KeyValue,
  type Revision,
  type Write,
} from '@hc-calico/ipam-core/ports'
import { right } from 'fp-ts/lib/Either.js'
import { expect, test } from 'vitest'
import { contractCases, lossyClient, outcomeUnknownCases } from '../src/index.ts'

type Break = (store: Datastore, all: Datastore) => Datastore

const current = async (store: Datastore, write: Write): Promise<KeyValue | undefined> => {
  const answer = await store.read([{ get: write.key }] as never)()
  return answer._tag === 'Right' ? (answer.right as ReadonlyArray<KeyValue>)[0] : undefined
}

/** Writes over whatever is there now, as a plain put would. */
const force = async (store: Datastore, write: Write) => {
  const found = await current(store, write)
  if (write.op === 'delete') {
    return found && store.commit([{ ...write, revision: found.revision }])()
  }
  const { key, value } = write
  const forced = found
    ? { op: 'update', key, value, revision: found.revision }
    : { op: 'create', key, value }
  return store.commit([forced as Write])()
}

const conditionHolds = (found: KeyValue | undefined, write: Write): boolean =>
  write.op === 'create' ? found === undefined : found?.revision === write.revision

const broken: Readonly<Record<string, Break>> = {
  'check, then put': (store) => ({
    ...store,
    commit: (writes) => async () => {
      const found = await Promise.all(writes.map((write) => current(store, write)))
      if (!writes.every((write, i) => conditionHolds(found[i], write)))
        return store.commit(writes)()
      await new Promise((resolve) => setTimeout(resolve, 1))
      for (const write of writes) await force(store, write)
      const after = await Promise.all(writes.map((write) => current(store, write)))
      return right({ revisions: after.map((one) => one?.revision) })
    },
  }),
  'lost update': (store) => ({
    ...store,
    commit: (writes) => async () => {
      const [write] = writes
      if (writes.length !== 1 || write?.op !== 'update') return store.commit(writes)()
      const found = await current(store, write)
      return found
        ? store.commit([{ ...write, revision: found.revision }])()
        : store.commit(writes)()
    },
  }),
  'swallowed conflict': (store) => ({
    ...store,
    commit: (writes) => async () => {
      const result = await store.commit(writes)()
      const isConflict = result._tag === 'Left' && result.left.error.tag === 'Conflict'
      return isConflict ? right({ revisions: writes.map(() => '0' as Revision) }) : result
    },
  }),
  'conflict without the current value': (store) => ({
    ...store,
    commit: (writes) => async () => {
      const result = await store.commit(writes)()
      if (result._tag === 'Right') return result
      return { ...result, left: { ...result.left, current: [] } }
    },
  }),
  'list that forgets its filter': (store) => ({
    ...store,
    read: (queries) =>
      store.read(
        queries.map((one) => ('list' in one ? { list: one.list } : one)) as never,
      ) as never,
  }),
  'rounded integers': (store) => ({
    ...store,
    read: (queries) => async () => {
      const answer = await store.read(queries)()
      const round = (_: string, v: unknown) => (typeof v === 'bigint' ? Number(v) : v)
      if (answer._tag === 'Left') return answer
      return right(
        answer.right.map((one) => one && JSON.parse(JSON.stringify(one, round))),
      ) as never
    },
  }),
  'list in no order': (store) => ({
    ...store,
    read: (queries) => async () => {
      const answer = await store.read(queries)()
      if (answer._tag === 'Left') return answer
      const shuffled = answer.right.map((one) =>
        Array.isArray(one) ? (one as KeyValue[]).toReversed() : one,
      )
      return right(shuffled) as never
    },
  }),
  'list that is cut at a page': (store) => ({
    ...store,
    read: (queries) => async () => {
      const answer = await store.read(queries)()
      if (answer._tag === 'Left') return answer
      return right(
        answer.right.map((one) => (Array.isArray(one) ? one.slice(0, 500) : one)),
      ) as never
    },
  }),
  'unknown fields dropped': (store) => ({
    ...store,
    commit: (writes, options) =>
      store.commit(
        writes.map((write) => {
          if (write.op === 'delete') return write
          const { unknownFields: _, ...value } = write.value as { unknownFields?: object }
          return { ...write, value } as Write
        }),
        options,
      ),
  }),
  'revisions that begin anew': (store) => {
    // As a store that numbers the versions of each object from one.
    const versions = new Map<string, number>()
    const outside = (one: KeyValue | undefined) =>
      one && { ...one, revision: `${one.value === undefined ? 0 : version(one)}` as Revision }
    const version = ({ key }: KeyValue): number => versions.get(JSON.stringify(key)) ?? 1
    return {
      ...store,
      read: (queries) => async () => {
        const answer = await store.read(queries)()
        if (answer._tag === 'Left') return answer
        const all = answer.right as ReadonlyArray<KeyValue | undefined | ReadonlyArray<KeyValue>>
        return right(
          all.map((one) =>
            Array.isArray(one) ? one.map(outside) : outside(one as KeyValue | undefined),
          ),
        ) as never
      },
      commit: (writes) => async () => {
        const found = await Promise.all(writes.map((write) => current(store, write)))
        const inside = writes.map((write, i) => {
          if (write.op === 'create') return write
          const is = found[i] !== undefined && `${version(found[i])}` === write.revision
          return { ...write, revision: is ? (found[i]?.revision as Revision) : write.revision }
        })
        const result = await store.commit(inside)()
        if (result._tag === 'Left') {
          const seen = result.left.current.map(({ key, found: one }) => ({
            key,
            found: outside(one),
          }))
          return { ...result, left: { ...result.left, current: seen } }
        }
        const revisions = writes.map(({ op, key }) => {
          const text = JSON.stringify(key)
          if (op === 'delete') return void versions.delete(text)
          versions.set(text, op === 'create' ? 1 : (versions.get(text) ?? 1) + 1)
          return `${versions.get(text)}` as Revision
        })
        return right({ revisions })
      },
    }
  },
  'objects that are the stored ones': (store) => {
    const handedOut = new Map<string, KeyValue>()
    return {
      ...store,
      read: (queries) => async () => {
        const answer = await store.read(queries)()
        if (answer._tag === 'Left') return answer
        const all = answer.right as ReadonlyArray<KeyValue | undefined>
        const kept = all.map((one) => {
          if (one === undefined || Array.isArray(one)) return one
          const text = JSON.stringify(one.key) + one.revision
          if (!handedOut.has(text)) handedOut.set(text, one)
          return handedOut.get(text)
        })
        return right(kept) as never
      },
    }
  },
  'watch that misses deletes': (store) => ({
    ...store,
    watch: async function* (kind, cancellation) {
      for await (const event of store.watch(kind, cancellation)) {
        if (event.tag !== 'Deleted') yield event
        else setTimeout(() => {}, 0)
      }
    },
  }),
}

const firstFailure = async (wrap: Break, open: () => Datastore[]): Promise<string | undefined> => {
  for (const { group, name, run } of contractCases) {
    const [first, second] = open().map((store) => wrap(store, store)) as [Datastore, Datastore]
    const capabilities = { atomicCommit: true, watch: true }
    const limit = new Promise<string>((resolve) => {
      setTimeout(() => resolve('timeout'), 3_000).unref()
    })
    const outcome = run({ first, second, capabilities }).then(
      () => undefined,
      () => 'failed',
    )
    if ((await Promise.race([outcome, limit])) !== undefined) return `${group}: ${name}`
  }
  return undefined
}

const openTwo =
  (options = {}) =>
  () => {
    const store = new MemoryStore(options)
    return [store.open(), store.open()]
  }

test('an honest store passes, so that a failure means something', async () => {
  expect(await firstFailure((store) => store, openTwo())).toBeUndefined()
})

test.each(Object.keys(broken))('%s is caught', async (name) => {
  expect(await firstFailure(broken[name] as Break, openTwo())).toBeDefined()
})

test.each<[string, (inner: Datastore) => Datastore]>([
  [
    'success without an answer',
    (inner) => ({
      ...inner,
      commit: (writes) => async () => {
        const result = await inner.commit(writes)()
        const isUnknown = result._tag === 'Left' && result.left.error.tag === 'OutcomeUnknown'
        return isUnknown ? right({ revisions: writes.map(() => '0' as Revision) }) : result
      },
    }),
  ],
  [
    'a lost answer taken for a refusal',
    (inner) => ({
      ...inner,
      commit: (writes) => async () => {
        const result = await inner.commit(writes)()
        if (result._tag === 'Right' || result.left.error.tag !== 'OutcomeUnknown') return result
        const error = datastoreError('Unavailable', 'the connection was lost')
        return { ...result, left: { ...result.left, error } }
      },
    }),
  ],
  [
    'a write that is sent again when its answer is lost',
    (inner) => ({
      ...inner,
      commit: (writes) => async () => {
        const result = await inner.commit(writes)()
        const isUnknown = result._tag === 'Left' && result.left.error.tag === 'OutcomeUnknown'
        return isUnknown ? inner.commit(writes)() : result
      },
    }),
  ],
])('%s is caught', async (_, wrap) => {
  const store = new MemoryStore()
  const honest = lossyClient(store.open())
  const lossy = { ...honest, store: wrap(honest.store) }
  const capabilities = { atomicCommit: true, watch: true }
  const context = { first: store.open(), second: store.open(), lossy, capabilities }
  const outcomes = await Promise.allSettled(outcomeUnknownCases.map(({ run }) => run(context)))
  expect(outcomes.map(({ status }) => status)).toContain('rejected')
})

test('an "atomic" commit that is not is caught', async () => {
  const claims: Break = (store) => ({ ...store, capabilities: { atomicCommit: true, watch: true } })
  expect(await firstFailure(claims, openTwo({ atomicCommit: false }))).toMatch(/commit/)
})
