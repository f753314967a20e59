/**
 * The port on etcd, over either transport. `read` is one transaction of ranges, hence one
 * consistent snapshot; `commit` is one transaction of comparisons and writes whose failure branch
 * brings the current values.
 */
import {
  type CallOptions,
  type CommitFailure,
  type Committed,
  conditionFailure,
  type Datastore,
  DatastoreFailure,
  datastoreError,
  type KeyValue,
  keyText,
  type List,
  matchesFilter,
  type Query,
  type Revision,
  type Write,
} from '@hc-calico/ipam-core/ports'
import { type Either, left, right } from 'fp-ts/lib/Either.js'
import { capabilities } from './capabilities.ts'
import { isNoSpace, toDatastoreError } from './errors.ts'
import { etcdKey, listRange, parseEtcdKey } from './keys.ts'
import type { Comparison, EtcdTransport, Operation, StoredPair, Transaction } from './transport.ts'
import { keyValueOf, storedValue } from './values.ts'
import { watchKind } from './watch.ts'

/** etcd's default for operations in one transaction (`--max-txn-ops`). */
export const operationsMax = 128

const rangeOf = (query: Query): Operation => ({
  tag: 'Range',
  range: 'get' in query ? { key: etcdKey(query.get) } : listRange(query),
})

/** The objects among pairs that match a list, ascending by etcd key. */
export const listed = (query: List, pairs: ReadonlyArray<StoredPair>): ReadonlyArray<KeyValue> => {
  return pairs.flatMap((pair) => {
    const key = parseEtcdKey(query.list, pair.key)
    return key !== undefined && matchesFilter(key, query) ? [keyValueOf(key, pair)] : []
  })
}

const answerOf = (query: Query, pairs: ReadonlyArray<StoredPair>) => {
  if ('list' in query) return listed(query, pairs)
  const [pair] = pairs
  return pair === undefined ? undefined : keyValueOf(query.get, pair)
}

const readOnly = (success: ReadonlyArray<Operation>): Transaction => ({
  compare: [],
  success,
  failure: [],
})

/** What all queries find, at one revision, however many transactions that takes. */
const readAll = async (
  transport: EtcdTransport,
  queries: ReadonlyArray<Query>,
  options: CallOptions,
): Promise<ReadonlyArray<unknown>> => {
  const operations = queries.map(rangeOf)
  const call = { ...options, isReadOnly: true }
  const pairs: ReadonlyArray<StoredPair>[] = []
  let at: { readonly revision?: bigint } = {}
  for (let from = 0; from < operations.length; from += operationsMax) {
    const part = operations.slice(from, from + operationsMax)
    const pinned = part.map((operation) => ({ ...operation, ...at }))
    const { found, revision } = await transport.transact(readOnly(pinned), call)
    pairs.push(...found)
    at = { revision }
  }
  return queries.map((query, i) => answerOf(query, pairs[i] ?? []))
}

const comparisonOf = (write: Write): Comparison => {
  const key = etcdKey(write.key)
  if (write.op === 'create') return { key, modRevision: 0n }
  if (/^[1-9]\d*$/.test(write.revision)) return { key, modRevision: BigInt(write.revision) }
  const message = `cannot ${write.op} ${keyText(write.key)}: "${write.revision}" is not a revision of etcd`
  throw new DatastoreFailure(datastoreError('Malformed', message, { key: write.key }))
}

const operationOf = (write: Write): Operation => {
  const key = etcdKey(write.key)
  return write.op === 'delete'
    ? { tag: 'Delete', key }
    : { tag: 'Put', key, value: storedValue(write.key.kind, write.value as never) }
}

/** The failure of a transaction whose comparisons did not hold. */
const conflictOf = (
  writes: ReadonlyArray<Write>,
  found: ReadonlyArray<ReadonlyArray<StoredPair>>,
): CommitFailure => {
  const current = writes.map(({ key }, i) => {
    const pair = found[i]?.[0]
    return { key, found: pair === undefined ? undefined : keyValueOf(key, pair) }
  })
  const error = writes
    .map((write, i) => conditionFailure(current[i]?.found, write))
    .find((one) => one !== undefined)
  const message = 'cannot write to etcd: it refused the comparisons, which all hold'
  return { error: error ?? datastoreError('Unavailable', message), applied: [], current }
}

const commitAll = async (
  transport: EtcdTransport,
  writes: ReadonlyArray<Write>,
  options: CallOptions,
): Promise<Either<CommitFailure, Committed>> => {
  const transaction: Transaction = {
    compare: writes.map(comparisonOf),
    success: writes.map(operationOf),
    failure: writes.map(({ key }) => ({ tag: 'Range', range: { key: etcdKey(key) } })),
  }
  const result = await transport.transact(transaction, { ...options, isReadOnly: false })
  if (!result.succeeded) return left(conflictOf(writes, result.found))
  const revision = `${result.revision}` as Revision
  return right({ revisions: writes.map(({ op }) => (op === 'delete' ? undefined : revision)) })
}

/**
 * What a refusal for want of space was: etcd may have applied the transaction nevertheless, and has
 * answered now, so whether its conditions still hold tells. Otherwise the caller has to read.
 */
const afterNoSpace = async (
  transport: EtcdTransport,
  writes: ReadonlyArray<Write>,
  cause: unknown,
): Promise<CommitFailure> => {
  const refused = failed(cause)
  const unknown = datastoreError('OutcomeUnknown', refused.error.message, { cause })
  try {
    const call = { isReadOnly: true }
    const transaction = { compare: writes.map(comparisonOf), success: [], failure: [] }
    const { succeeded } = await transport.transact(transaction, call)
    return succeeded ? refused : { ...refused, error: unknown }
  } catch {
    return { ...refused, error: unknown }
  }
}

const unstarted = (what: string) =>
  datastoreError('Unavailable', `the ${what} was cancelled before it began`)

const failed = (cause: unknown): CommitFailure => ({
  error: toDatastoreError(cause, 'write to', false),
  applied: [],
  current: [],
})

const tooMany = (count: number): CommitFailure => {
  const message = `cannot write to etcd: ${count} writes in one commit are more than the ${operationsMax} that a transaction can hold`
  return { error: datastoreError('Unsupported', message), applied: [], current: [] }
}

export const datastoreOn = (transport: EtcdTransport): Datastore => ({
  capabilities,
  read:
    (queries, options = {}) =>
    async () => {
      if (options.cancellation?.aborted) return left(unstarted('read'))
      try {
        return right((await readAll(transport, queries, options)) as never)
      } catch (cause) {
        return left(toDatastoreError(cause, 'read from', true))
      }
    },
  commit:
    (writes, options = {}) =>
    async () => {
      if (options.cancellation?.aborted) {
        return left({ error: unstarted('commit'), applied: [], current: [] })
      }
      if (writes.length === 0) return right({ revisions: [] })
      if (writes.length > operationsMax) return left(tooMany(writes.length))
      try {
        return await commitAll(transport, writes, options)
      } catch (cause) {
        return left(isNoSpace(cause) ? await afterNoSpace(transport, writes, cause) : failed(cause))
      }
    },
  watch: (kind, cancellation) => watchKind(transport, kind, cancellation),
  close: () => transport.close(),
})
