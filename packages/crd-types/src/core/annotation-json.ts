/**
 * JSON inside annotations. What cannot be read counts as absent here: the plugin refuses a
 * malformed annotation when it wires the pod, but an object must stay readable for its deletion.
 */
import { isRight } from 'fp-ts/lib/Either.js'
import type * as t from 'io-ts'
import { list, stringMap, text } from '../codecs/primitives.ts'
import { InvalidJSON, parseJSON } from '../json.ts'
import type { StringMap } from '../model.ts'

const read = <A>(codec: t.Type<A, unknown>, annotation: string | undefined): A | undefined => {
  if (annotation === undefined || annotation === '') return undefined
  try {
    const decoded = codec.decode(parseJSON(annotation))
    return isRight(decoded) ? decoded.right : undefined
  } catch (cause) {
    if (cause instanceof InvalidJSON) return undefined
    throw cause
  }
}

export const stringMapIn = (annotation: string | undefined): StringMap =>
  read(stringMap, annotation) ?? {}

export const textsIn = (annotation: string | undefined): ReadonlyArray<string> =>
  read(list(text), annotation) ?? []
