// Laws every kind obeys in every form: what is written reads back the same, what an unknown writer
// added survives, and the text is stable.

import fc from 'fast-check'
import { isLeft } from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import { type DocumentKeys, readEtcdText, writeEtcdText } from '../src/etcd/index.ts'
import type { PlainKind, PlainTypes } from '../src/index.ts'
import { parseJSON, stringifyJSON } from '../src/json.ts'
import { type APIDocument, v1Documents } from '../src/v1/index.ts'
import { v3Documents } from '../src/v3/index.ts'
import { inResourceForm, plainValues } from './plain-values.ts'

const kinds = Object.keys(plainValues) as ReadonlyArray<PlainKind>
const apiKinds = Object.keys(v3Documents) as ReadonlyArray<keyof typeof v3Documents>

/** Every key field of every kind is a field of its value. */
const readBack = <K extends PlainKind>(kind: K, text: string, value: object): PlainTypes[K] => {
  const decoded = readEtcdText(kind, text, value as DocumentKeys[K])
  if (isLeft(decoded)) throw new Error(`${decoded.left} in ${text}`)
  return decoded.right
}

const write = (kind: PlainKind, value: object): string => writeEtcdText(kind, value as never)

describe.each(kinds)('%s in etcd', (kind) => {
  test('what is written reads back the same, and is written the same again', () => {
    fc.assert(
      fc.property(plainValues[kind] as fc.Arbitrary<object>, (value) => {
        const text = write(kind, value)
        const back = readBack(kind, text, value)
        expect(back).toEqual(value)
        expect(write(kind, back)).toBe(text)
      }),
    )
  })

  test('a field nobody knows survives, 64-bit integers included', () => {
    fc.assert(
      fc.property(
        plainValues[kind] as fc.Arbitrary<object>,
        fc.bigInt(0n, 2n ** 64n),
        (value, n) => {
          const stored = parseJSON(write(kind, value)) as object
          const unheardOf = { ...stored, unheardOf: { deep: [n] } }
          const text = write(kind, readBack(kind, stringifyJSON(unheardOf), value))
          expect(parseJSON(text)).toMatchObject({
            unheardOf: parseJSON(`{"deep":[${n}]}`) as object,
          })
        },
      ),
    )
  })

  test('the value that is written is not changed', () => {
    fc.assert(
      fc.property(plainValues[kind] as fc.Arbitrary<object>, (value) => {
        const before = structuredClone(value)
        write(kind, value)
        expect(value).toEqual(before)
      }),
    )
  })
})

describe.each([
  ['v1', v1Documents],
  ['v3', v3Documents],
] as const)('%s', (_group, documents) => {
  test.each(apiKinds)('%s: what is written reads back the same', (kind) => {
    const document = documents[kind] as APIDocument<object>
    fc.assert(
      fc.property(plainValues[kind] as fc.Arbitrary<object>, (generated) => {
        const value = inResourceForm(generated)
        const { name = 'some-name' } = value as { name?: string }
        const target = { name, resourceVersion: '9007199254740993' }
        const object = parseJSON(stringifyJSON(document.encode(value, target)))
        const decoded = document.decode(object)
        if (isLeft(decoded)) throw new Error(decoded.left)
        expect(withoutRevision(decoded.right)).toEqual(value)
        expect(parseJSON(stringifyJSON(document.encode(decoded.right, target)))).toEqual(object)
      }),
    )
  })
})

/** The resource version is the one field the value gains. */
const withoutRevision = (value: { unknownFields?: Record<string, unknown> }): object => {
  const { metadata, ...parts } = value.unknownFields ?? {}
  const { resourceVersion, ...rest } = metadata as Record<string, unknown>
  expect(resourceVersion).toBe('9007199254740993')
  const unknownFields = { ...(Object.keys(rest).length > 0 ? { metadata: rest } : {}), ...parts }
  const { unknownFields: _, ...known } = value
  return Object.keys(unknownFields).length > 0 ? { ...known, unknownFields } : known
}

test('a field called __proto__ is a field like any other', () => {
  const text =
    '{"state":"confirmed","deleted":false,"__proto__":{"state":"pending"},"constructor":1}'
  const key = { type: 'host', host: 'n', cidr: '10.0.0.0/26' } as const
  const affinity = readBack('BlockAffinity', text, key)
  expect(affinity.state).toBe('confirmed')
  expect(Object.getPrototypeOf(affinity.unknownFields)).toBe(Object.prototype)
  expect(write('BlockAffinity', affinity)).toBe(text)
})
