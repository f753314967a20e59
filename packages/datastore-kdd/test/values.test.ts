// Custom resources as objects of the port and back, on the golden documents of crd-types; what is
// unreadable; and fields that a server dropped.
import { readFileSync } from 'node:fs'
import { parseJSON } from '@hc-calico/crd-types/json'
import type { Key } from '@hc-calico/ipam-core/ports'
import { describe, expect, test } from 'vitest'
import type { JSONObject } from '../src/api.ts'
import { type APIGroup, resourceType } from '../src/api-groups.ts'
import { type CustomKind, resourceName } from '../src/names.ts'
import { bodyOf, keyValueOf, requireNothingPruned } from '../src/values.ts'

const golden = (group: APIGroup, name: string): JSONObject => {
  const folder = `../../crd-types/test/golden/${group.split('/')[1]}`
  const file = new URL(`${folder}/${name}.json`, import.meta.url)
  return parseJSON(readFileSync(file, 'utf8')) as JSONObject
}

/** As the server would hand it out. */
const stored = (group: APIGroup, name: string): JSONObject => {
  const object = golden(group, name)
  const metadata = { ...(object.metadata as JSONObject), uid: 'u-1', resourceVersion: '4711' }
  return { ...object, metadata }
}

const documents: ReadonlyArray<[string, CustomKind]> = [
  ['block', 'Block'],
  ['block-without-owner', 'Block'],
  ['affinity', 'BlockAffinity'],
  ['affinity-virtual', 'BlockAffinity'],
  ['handle', 'Handle'],
  ['config', 'IPAMConfig'],
  ['pool', 'IPPool'],
  ['reservation', 'IPReservation'],
  ['cluster-information', 'ClusterInformation'],
]

describe.each<APIGroup>(['crd.projectcalico.org/v1', 'projectcalico.org/v3'])('%s', (group) => {
  test.each(documents)('%s comes back with every field and integer', (file, kind) => {
    const type = resourceType(group, kind)
    const object = stored(group, file)
    const found = keyValueOf(kind, type, object)
    expect(found.revision).toBe('u-1/4711')
    const { text } = bodyOf(found.key as Key<CustomKind>, found.value, type, '4711')
    const body = parseJSON(text) as JSONObject
    expect(body.spec).toEqual(object.spec)
    const { name } = object.metadata as { name: string }
    expect(resourceName(found.key as Key<CustomKind>)).toBe(name)
    expect(body.metadata).toMatchObject({ name, resourceVersion: '4711' })
    expect(() => requireNothingPruned(found.key, type.crd, body, stored(group, file))).not.toThrow()
  })

  test('what cannot be read is named, with its definition', () => {
    const type = resourceType(group, 'Block')
    const bad = { metadata: { name: '10-9-0-8-29' }, spec: {} }
    expect(() => keyValueOf('Block', type, bad)).toThrow(
      `the stored IPAMBlock 10-9-0-8-29 (${type.crd}) cannot be read: `,
    )
  })
})

describe('a field that the server dropped is named', () => {
  const key = { kind: 'Block', cidr: '10.9.0.8/29' } as const
  const sent = {
    spec: {
      cidr: '10.9.0.8/29',
      deleted: false,
      attributes: [{ handle_id: 'h', releasedAt: 't' }],
    },
  }
  test.each<[string, object]>([
    ['spec.deleted', { cidr: '10.9.0.8/29', attributes: sent.spec.attributes }],
    ['spec.attributes', { cidr: '10.9.0.8/29', deleted: false }],
    ['spec.attributes[0].releasedAt', { ...sent.spec, attributes: [{ handle_id: 'h' }] }],
  ])('%s', (field, spec) => {
    expect(() => requireNothingPruned(key, 'the.definition', sent, { spec })).toThrow(
      `the API server dropped ${field} of Block(10.9.0.8/29): the CustomResourceDefinition the.definition is older`,
    )
  })

  test('one that the server added is none', () => {
    const spec = { ...sent.spec, added: 1 }
    expect(() => requireNothingPruned(key, 'the.definition', sent, { spec })).not.toThrow()
  })
})
