/** Whether a write's condition holds, in one place: every adapter judges, and says it, the same way. */
import type { KeyValue, Write } from './datastore.ts'
import { type DatastoreError, type DatastoreErrorTag, datastoreError } from './datastore-errors.ts'
import { keyText } from './key-text.ts'

type Refusal = Extract<DatastoreErrorTag, 'AlreadyExists' | 'NotFound' | 'Conflict'>

const because: Readonly<Record<Refusal, string>> = {
  AlreadyExists: 'it exists already',
  NotFound: 'it does not exist',
  Conflict: 'it was changed meanwhile',
}

/** The error of a write that was refused for this reason. */
export const refusedWrite = ({ op, key }: Write, tag: Refusal): DatastoreError =>
  datastoreError(tag, `cannot ${op} ${keyText(key)}: ${because[tag]}`, { key })

/** Why a write cannot be applied to what is stored; undefined when it can. */
export const conditionFailure = (
  found: KeyValue | undefined,
  write: Write,
): DatastoreError | undefined => {
  if (write.op === 'create') {
    return found === undefined ? undefined : refusedWrite(write, 'AlreadyExists')
  }
  if (found === undefined) return refusedWrite(write, 'NotFound')
  return found.revision === write.revision ? undefined : refusedWrite(write, 'Conflict')
}
