/**
 * The messages of etcd's gRPC interface that are used here. Field numbers are those of
 * `etcdserverpb` and `mvccpb` (etcd v3, api/etcdserverpb/rpc.proto, api/mvccpb/kv.proto).
 */
import type {
  Change,
  ChangeBatch,
  KeyRange,
  Operation,
  StoredPair,
  Transaction,
  TransactionResult,
} from './transport.ts'
import { type Field, fieldsOf, MessageWriter, signed, textOf } from './wire.ts'

const compareTargetMod = 2
const eventDeleted = 1n

const rangeRequest = (range: KeyRange, revision?: bigint): MessageWriter => {
  const message = new MessageWriter().text(1, range.key)
  if (range.end !== undefined) message.text(2, range.end)
  return revision === undefined ? message : message.integer(4, revision)
}

const requestOp = (operation: Operation): MessageWriter => {
  switch (operation.tag) {
    case 'Range':
      return new MessageWriter().message(1, rangeRequest(operation.range, operation.revision))
    case 'Put': {
      const put = new MessageWriter().text(1, operation.key).text(2, operation.value)
      return new MessageWriter().message(2, put)
    }
    case 'Delete':
      return new MessageWriter().message(3, new MessageWriter().text(1, operation.key))
  }
}

/** TxnRequest. */
export const encodeTransaction = ({ compare, success, failure }: Transaction): Uint8Array => {
  const message = new MessageWriter()
  for (const { key, modRevision } of compare) {
    const one = new MessageWriter()
      .integer(2, compareTargetMod)
      .text(3, key)
      .statedInteger(6, modRevision)
    message.message(1, one)
  }
  for (const operation of success) message.message(2, requestOp(operation))
  for (const operation of failure) message.message(3, requestOp(operation))
  return message.finish()
}

/** KeyValue. */
const pairOf = (bytes: Uint8Array): StoredPair => {
  let [key, value, modRevision] = ['', '', 0n]
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) key = textOf(field)
    else if (field.number === 3) modRevision = signed(field)
    else if (field.number === 5) value = textOf(field)
  }
  return { key, value, modRevision }
}

/** ResponseHeader. */
const revisionOf = (header: Field): bigint => {
  for (const field of fieldsOf(header.bytes)) if (field.number === 3) return signed(field)
  return 0n
}

/** ResponseOp: the pairs of a range; nothing for puts and deletes. */
const foundBy = (response: Field): ReadonlyArray<StoredPair> => {
  const pairs: StoredPair[] = []
  for (const operation of fieldsOf(response.bytes)) {
    if (operation.number !== 1) continue
    for (const field of fieldsOf(operation.bytes)) {
      if (field.number === 2) pairs.push(pairOf(field.bytes))
    }
  }
  return pairs
}

/** TxnResponse. */
export const decodeTransactionResult = (bytes: Uint8Array): TransactionResult => {
  let [succeeded, revision] = [false, 0n]
  const found: ReadonlyArray<StoredPair>[] = []
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) revision = revisionOf(field)
    else if (field.number === 2) succeeded = field.integer !== 0n
    else if (field.number === 3) found.push(foundBy(field))
  }
  return { succeeded, revision, found }
}

/** AuthenticateRequest. */
export const encodeSignIn = (username: string, password: string): Uint8Array =>
  new MessageWriter().text(1, username).text(2, password).finish()

/** AuthenticateResponse: the token. */
export const decodeToken = (bytes: Uint8Array): string => {
  for (const field of fieldsOf(bytes)) if (field.number === 2) return textOf(field)
  return ''
}

/** WatchRequest with a WatchCreateRequest; progress is reported so that a gap stays short. */
export const encodeWatch = (range: KeyRange, fromRevision: bigint): Uint8Array => {
  const create = new MessageWriter().text(1, range.key)
  if (range.end !== undefined) create.text(2, range.end)
  create.integer(3, fromRevision).integer(4, 1)
  return new MessageWriter().message(1, create).finish()
}

export interface WatchAnswer extends ChangeBatch {
  readonly isCreated: boolean
  readonly isCancelled: boolean
  /** Not 0: the revision asked for has been compacted away. */
  readonly compactRevision: bigint
  readonly reason: string
}

/** Event. */
const changeOf = (event: Field): Change => {
  let isDeleted = false
  let pair: StoredPair = { key: '', value: '', modRevision: 0n }
  for (const field of fieldsOf(event.bytes)) {
    if (field.number === 1) isDeleted = field.integer === eventDeleted
    else if (field.number === 2) pair = pairOf(field.bytes)
  }
  return isDeleted ? { tag: 'Deleted', key: pair.key } : { tag: 'Put', pair }
}

/** WatchResponse. */
export const decodeWatchAnswer = (bytes: Uint8Array): WatchAnswer => {
  let [revision, compactRevision, isCreated, isCancelled, reason] = [0n, 0n, false, false, '']
  const changes: Change[] = []
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) revision = revisionOf(field)
    else if (field.number === 3) isCreated = field.integer !== 0n
    else if (field.number === 4) isCancelled = field.integer !== 0n
    else if (field.number === 5) compactRevision = signed(field)
    else if (field.number === 6) reason = textOf(field)
    else if (field.number === 11) changes.push(changeOf(field))
  }
  return { revision, compactRevision, isCreated, isCancelled, reason, changes }
}
