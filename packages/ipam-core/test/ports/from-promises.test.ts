/** What an adapter author throws, as a table: which answer it becomes. */
import {
  CommitStopped,
  DatastoreFailure,
  datastoreError,
  fromPromises,
  type PromiseDatastore,
  type Revision,
} from '@hc-calico/ipam-core/ports'
import { describe, expect, test } from 'vitest'

const unused = async (): Promise<never> => {
  throw new Error('not expected to be called')
}

const storeWith = (methods: Partial<PromiseDatastore>) =>
  fromPromises({ capabilities: {}, read: unused, commit: unused, ...methods })

const unauthorized = datastoreError('Unauthorized', 'the token has expired')
const key = { kind: 'Handle', id: 'h' } as const
const stopped = {
  error: datastoreError('Conflict', 'the object has changed'),
  applied: ['7' as Revision],
  current: [{ key, found: undefined }],
}

describe('what is returned is the answer', () => {
  test('of a read and of a commit, with the options passed on', async () => {
    const cancellation = new AbortController().signal
    const seen: unknown[] = []
    const store = storeWith({
      read: async (queries, options) => {
        seen.push([queries, options])
        return [undefined]
      },
      commit: async (writes, options) => {
        seen.push([writes, options])
        return { revisions: [] }
      },
    })
    const options = { cancellation }
    expect(await store.read([{ get: key }], options)()).toEqual({
      _tag: 'Right',
      right: [undefined],
    })
    expect(await store.commit([], options)()).toEqual({ _tag: 'Right', right: { revisions: [] } })
    expect(seen).toEqual([
      [[{ get: key }], options],
      [[], options],
    ])
  })

  test('nothing is called before the answer is asked for', () => {
    const store = storeWith({})
    store.read([{ get: key }])
    store.commit([])
  })
})

const bug = new TypeError('x is undefined')

test.each<[string, unknown, object]>([
  ['a typed failure', new DatastoreFailure(unauthorized), unauthorized],
  ['anything else', bug, { tag: 'Unavailable', message: 'x is undefined', cause: bug }],
  ['what is no error', 'down', { tag: 'Unavailable', message: 'down' }],
])('a read that throws %s', async (_, thrown, error) => {
  const read = (): Promise<never> => Promise.reject(thrown)
  const answer = await storeWith({ read }).read([{ get: key }])()
  expect(answer).toMatchObject({ _tag: 'Left', left: error })
})

const nothing = { applied: [], current: [] }

test.each<[string, unknown, object]>([
  ['where it stopped', new CommitStopped(stopped), stopped],
  ['a typed failure', new DatastoreFailure(unauthorized), { error: unauthorized, ...nothing }],
  [
    'anything else: it may have been applied',
    bug,
    { error: { tag: 'OutcomeUnknown', message: 'x is undefined', cause: bug }, ...nothing },
  ],
])('a commit that throws %s', async (_, thrown, failure) => {
  const commit = (): Promise<never> => Promise.reject(thrown)
  const result = await storeWith({ commit }).commit([])()
  expect(result).toMatchObject({ _tag: 'Left', left: failure })
})

test('a watch that is left out fails with Unsupported', async () => {
  const events = storeWith({}).watch('Handle', new AbortController().signal)
  const first = events[Symbol.asyncIterator]().next()
  await expect(first).rejects.toMatchObject({ error: { tag: 'Unsupported' } })
})

test('closing needs no method, and waits for the one there is', async () => {
  await storeWith({}).close()
  let closed = false
  const close = async (): Promise<void> => {
    await Promise.resolve()
    closed = true
  }
  await storeWith({ close }).close()
  expect(closed).toBe(true)
})
