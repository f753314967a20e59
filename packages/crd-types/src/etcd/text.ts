/**
 * Documents as the bytes etcd stores. What is read and written back unchanged is byte-equal to
 * what Calico's own encoder writes: its field order, its sorted maps, its escaping of `<`, `>`
 * and `&` (selectors are full of them), its 64-bit integers.
 */
import { type Either, left } from 'fp-ts/lib/Either.js'
import type { DocumentKeys, EtcdDocument } from '../documents/document.ts'
import { InvalidJSON, parseJSON, stringifyJSON } from '../json.ts'
import type { PlainKind, PlainTypes } from '../model.ts'
import { etcdDocuments } from './documents.ts'

/** The table's entry of one kind, its types tied to that kind. */
const documentOf = <K extends PlainKind>(kind: K): EtcdDocument<PlainTypes[K], DocumentKeys[K]> =>
  etcdDocuments[kind]

/** Reads one stored value; an empty text is a value of no bytes. */
export const readEtcdText = <K extends PlainKind>(
  kind: K,
  text: string,
  key: DocumentKeys[K],
): Either<string, PlainTypes[K]> => {
  try {
    return documentOf(kind).decode(text === '' ? undefined : parseJSON(text), key)
  } catch (cause) {
    if (cause instanceof InvalidJSON) return left(cause.message)
    throw cause
  }
}

/** The text to store. */
export const writeEtcdText = <K extends PlainKind>(kind: K, value: PlainTypes[K]): string =>
  stringifyJSON(documentOf(kind).encode(value), { escapeHTML: true })
