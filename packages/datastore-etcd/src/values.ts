/** Pairs of etcd as objects of the port, in Calico's JSON. */
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
import type { StoredPair } from './transport.ts'

export const storedValue = <K extends Kind>(kind: K, value: Values[K]): string =>
  writeEtcdText(kind, value as never)

/** Decodes a pair. Throws DatastoreFailure (Malformed) that names the object and the bad field. */
export const keyValueOf = (key: Key, pair: StoredPair): KeyValue => {
  const value = readEtcdText(key.kind, pair.value, key as never)
  if (isLeft(value)) {
    const message = `the stored ${keyText(key)} (etcd key ${pair.key}) cannot be read: ${value.left}`
    throw new DatastoreFailure(datastoreError('Malformed', message, { key }))
  }
  return { key, value: value.right, revision: `${pair.modRevision}` as Revision } as KeyValue
}
