/** A datastore in twenty lines of Map, atomic or not, for tests that count and interrupt. */
import { left, right } from 'fp-ts/lib/Either.js'
import {
  type Datastore,
  type DatastoreErrorTag,
  datastoreError,
  type Key,
  type KeyValue,
  keyText,
  type Query,
  type Revision,
  type Write,
} from '../../src/ports/index.ts'

export interface TinyDatastore extends Datastore {
  readonly objects: Map<string, KeyValue>
}

const matches = (query: Query, { key, value }: KeyValue): boolean => {
  if ('get' in query || query.list !== key.kind) return false
  const fields: Record<string, unknown> = { ...value, ...key }
  return Object.entries(query.where ?? {}).every(([name, wanted]) =>
    name === 'family'
      ? String(fields.cidr).includes(':') === (wanted === 6)
      : fields[name] === wanted,
  )
}

export const tinyDatastore = (atomicCommit: boolean): TinyDatastore => {
  const objects = new Map<string, KeyValue>()
  let revision = 0
  const faultOf = (write: Write): DatastoreErrorTag | undefined => {
    const found = objects.get(keyText(write.key))
    if (write.op === 'create') return found && 'AlreadyExists'
    if (found === undefined) return 'NotFound'
    return found.revision === write.revision ? undefined : 'Conflict'
  }
  const apply = (write: Write): Revision | undefined => {
    revision += 1
    const text = keyText(write.key)
    if (write.op === 'delete') {
      objects.delete(text)
      return undefined
    }
    objects.set(text, { key: write.key, value: write.value, revision: `${revision}` } as KeyValue)
    return `${revision}` as Revision
  }
  const failure = (tag: DatastoreErrorTag, key: Key, applied: (Revision | undefined)[]) =>
    left({
      error: datastoreError(tag, `${tag} ${keyText(key)}`, { key }),
      applied,
      current: [{ key, found: objects.get(keyText(key)) }],
    })
  const answer = (query: Query) => {
    if ('get' in query) return objects.get(keyText(query.get))
    const sorted = [...objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, kv]) => kv)
    return sorted.filter((kv) => matches(query, kv))
  }
  return {
    objects,
    capabilities: { atomicCommit },
    read: (queries) => async () => right(queries.map(answer)) as never,
    commit: (writes) => async () => {
      const wrong = atomicCommit ? writes.find((write) => faultOf(write) !== undefined) : undefined
      if (wrong !== undefined) return failure(faultOf(wrong) as never, wrong.key, []) as never
      const revisions: (Revision | undefined)[] = []
      for (const write of writes) {
        const tag = faultOf(write)
        if (tag !== undefined) return failure(tag, write.key, revisions) as never
        revisions.push(apply(write))
      }
      return right({ revisions })
    },
    watch: () => {
      throw new Error('not watched')
    },
    close: async () => {},
  }
}
