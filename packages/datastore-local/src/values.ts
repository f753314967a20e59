/** Values as Calico's etcd JSON: the same documents, whichever datastore holds them. */
import { readEtcdText, writeEtcdText } from '@hc-calico/crd-types/etcd'
import {
  DatastoreFailure,
  datastoreError,
  type Key,
  type KeyValue,
  type Kind,
  keyText,
  type Revision,
  type Values,
} from '@hc-calico/ipam-core/ports'
import { isLeft } from 'fp-ts/lib/Either.js'
import { keyOfRow } from './keys.ts'

export interface Row {
  readonly key: string
  readonly value: string
  readonly revision: bigint
}

export const storedValue = <K extends Kind>(kind: K, value: Values[K]): string =>
  writeEtcdText(kind, value as never)

/** Decodes a row. Throws DatastoreFailure (Malformed) that names the object and the bad field. */
export const keyValueOf = <K extends Kind>(kind: K, row: Row): KeyValue<K> => {
  const key = keyOfRow(kind, row.key)
  const value = readEtcdText(kind, row.value, key as never)
  if (isLeft(value)) {
    const message = `the stored ${keyText(key as Key)} cannot be read: ${value.left}`
    throw new DatastoreFailure(datastoreError('Malformed', message, { key: key as Key }))
  }
  return { key, value: value.right as Values[K], revision: `${row.revision}` as Revision }
}
