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
import { type ContractCase, contractCases, lossyClient, outcomeUnknownCases } from '../src/index.ts'

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

const limitMs = 3_000

/** Whether a case finds fault with a store; a case that does not end does. */
const finds = async (one: ContractCase, wrap: Break, open: () => Datastore[]): Promise<boolean> => {
  const [first, second] = open().map((store) => wrap(store, store)) as [Datastore, Datastore]
  const capabilities = { atomicCommit: true, watch: true }
  const limit = new Promise<boolean>((resolve) => {
    setTimeout(() => resolve(true), limitMs).unref()
  })
  const outcome = one.run({ first, second, capabilities }).then(
    () => false,
    () => true,
  )
  return Promise.race([outcome, limit])
}

const openTwo =
  (options = {}) =>
  () => {
    const store = new MemoryStore(options)
    return [store.open(), store.open()]
  }

/** The case that is there for this fault: another one may fail too, for a reason of its own. */
const caughtBy: Readonly<Record<string, string | readonly string[]>> = {
  'check, then put': [
    'two clients: creating one key: one wins',
    'two clients: updating one key: one wins',
    'two clients: counting on one block: no update is lost',
  ],
  'lost update': 'update: needs the current revision, which changes with every write',
  'swallowed conflict': 'two clients: updating one key: one wins',
  'conflict without the current value':
    'create: of what exists fails with AlreadyExists and the current value, and changes nothing',
  'list that forgets its filter':
    'list: narrows blocks by family and affinities by host and family, not by prefix of a name',
  'rounded integers':
    'values: of every kind come back as they were: unknown fields, 64-bit numbers, any text',
  'list in no order': 'list: is in ascending order of keys, without what was deleted',
  'list that is cut at a page': 'list: of 600 objects is whole',
  'unknown fields dropped':
    'values: of every kind come back as they were: unknown fields, 64-bit numbers, any text',
  'revisions that begin anew':
    'revisions: are not used again when an object is deleted and created anew',
  'objects that are the stored ones': 'values: that were read cannot be used to change the store',
  'watch that misses deletes':
    'watch: reports what exists, Synced, changes of another client, and deletes; abort ends it',
}

const caseCalled = (title: string): ContractCase => {
  const found = contractCases.find(({ group, name }) => `${group}: ${name}` === title)
  if (found === undefined) throw new Error(`there is no case "${title}"`)
  return found
}

test('an honest store passes every case, so that a failure means something', async () => {
  for (const one of contractCases) {
    expect([one.name, await finds(one, (store) => store, openTwo())]).toEqual([one.name, false])
  }
})

test('every fault has a case', () => {
  expect(Object.keys(caughtBy)).toEqual(Object.keys(broken))
})

test.each(Object.keys(broken))('%s is caught by the case for it', async (name) => {
  for (const title of [caughtBy[name] ?? []].flat()) {
    const found = await finds(caseCalled(title), broken[name] as Break, openTwo())
    expect([title, found]).toEqual([title, true])
  }
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
  const title =
    'commit: that fails in the middle leaves nothing where it is atomic, else exactly what it says'
  expect(await finds(caseCalled(title), claims, openTwo({ atomicCommit: false }))).toBe(true)
})
