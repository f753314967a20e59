// Our CRD manifests against upstream's, read in place; and against what our codecs write.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { parseJSON, stringifyJSON } from '../src/json.ts'
import { manifests, manifestText } from '../src/manifests/index.ts'
import { type APIDocument, type APIKind, v1Documents } from '../src/v1/index.ts'
import { v3Documents } from '../src/v3/index.ts'
import { inResourceForm, plainValues } from './plain-values.ts'

interface Schema {
  readonly type?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly additionalProperties?: Schema
  readonly required?: ReadonlyArray<string>
  readonly [keyword: string]: unknown
}

interface Version {
  readonly name: string
  readonly additionalPrinterColumns?: ReadonlyArray<Readonly<Record<string, unknown>>>
  readonly schema: { readonly openAPIV3Schema: Schema }
  readonly subresources?: { readonly status?: object }
}

interface Definition {
  readonly metadata: { readonly name: string }
  readonly spec: {
    readonly group: string
    readonly names: object
    readonly scope: string
    readonly versions: readonly [Version]
  }
}

const upstreamFolder = new URL('../../../../shared/data/calico-crds/', import.meta.url)
const haveUpstream = existsSync(upstreamFolder)

const upstreamOf = (group: 'v1' | 'v3'): ReadonlyMap<string, Definition> => {
  const folder = new URL(`${group}/`, upstreamFolder)
  const texts = readdirSync(folder).map((file) => readFileSync(new URL(file, folder), 'utf8'))
  return new Map(texts.map((text) => parse(text) as Definition).map((d) => [d.metadata.name, d]))
}

const groups = {
  v1: manifests['crd.projectcalico.org/v1'],
  v3: manifests['projectcalico.org/v3'],
} as unknown as Readonly<Record<'v1' | 'v3', ReadonlyArray<Definition>>>

/** Every keyword that decides what is accepted or stored, by path; words for people left out. */
const keywords = (schema: Schema, path: string): ReadonlyArray<readonly [string, unknown]> => {
  const { properties = {}, items, additionalProperties, required, ...own } = schema
  const ignored = [
    'description',
    'x-kubernetes-validations',
    'x-kubernetes-preserve-unknown-fields',
  ]
  const facts = Object.entries(own).filter(([keyword]) => !ignored.includes(keyword))
  const inAnyOrder = (keyword: string, value: unknown): unknown =>
    keyword === 'enum' ? [...(value as string[])].sort() : value
  return [
    ...facts.map(([key, value]) => [`${path}#${key}`, inAnyOrder(key, value)] as const),
    ...(required === undefined ? [] : [[`${path}#required`, [...required].sort()] as const]),
    ...Object.entries(properties).flatMap(([name, inner]) => keywords(inner, `${path}.${name}`)),
    ...(items === undefined ? [] : keywords(items, `${path}[]`)),
    ...(additionalProperties === undefined ? [] : keywords(additionalProperties, `${path}{}`)),
  ]
}

const versionOf = (definition: Definition): Version => definition.spec.versions[0]

const surface = (definition: Definition) => {
  const { additionalPrinterColumns = [], subresources, schema, name } = versionOf(definition)
  return {
    name: definition.metadata.name,
    group: definition.spec.group,
    names: definition.spec.names,
    scope: definition.spec.scope,
    version: name,
    columns: additionalPrinterColumns.map(({ description: _, ...column }) => column),
    status: subresources?.status !== undefined,
    keywords: Object.fromEntries(keywords(schema.openAPIV3Schema, '')),
  }
}

/** Skipped where upstream's manifests do not lie beside the checkout: they are not part of it. */
describe.skipIf(!haveUpstream).each(['v1', 'v3'] as const)('%s', (group) => {
  test.each(groups[group].map((ours) => [ours.metadata.name, ours] as const))(
    '%s is what upstream installs, word for word where it decides',
    (name, ours) => {
      const upstream = upstreamOf(group).get(name)
      expect(upstream).toBeDefined()
      expect(surface(ours)).toEqual(surface(upstream as Definition))
    },
  )

  test.each(groups[group].map((ours) => [ours.metadata.name, ours] as const))(
    '%s has its rules where upstream has rules',
    (name, ours) => {
      const ruled = (schema: Schema, path: string): ReadonlyArray<string> => [
        ...('x-kubernetes-validations' in schema ? [path] : []),
        ...Object.entries(schema.properties ?? {}).flatMap(([key, s]) =>
          ruled(s, `${path}.${key}`),
        ),
      ]
      const upstream = upstreamOf(group).get(name) as Definition
      const paths = (definition: Definition) =>
        [...ruled(versionOf(definition).schema.openAPIV3Schema, '')].sort()
      expect(paths(ours)).toEqual(paths(upstream))
    },
  )
})

/** What an API server would refuse or drop, of the keywords our schemas use. */
const faults = (schema: Schema, value: unknown, path: string): ReadonlyArray<string> => {
  if (value === null) return schema.nullable === true ? [] : [`${path}: null`]
  const integer = typeof value === 'bigint' || Number.isInteger(value)
  const type = Array.isArray(value) ? 'array' : integer ? 'integer' : typeof value
  if (type !== schema.type) return [`${path}: ${type} instead of ${String(schema.type)}`]
  const limits: ReadonlyArray<readonly [string, boolean]> = [
    ['enum', schema.enum !== undefined && !(schema.enum as unknown[]).includes(value)],
    [
      'minimum',
      integer && (value as number) < ((schema.minimum as number) ?? Number.MIN_SAFE_INTEGER),
    ],
    [
      'maximum',
      integer && schema.maximum !== undefined && (value as number) > (schema.maximum as number),
    ],
    ['format', schema.format === 'int64' && BigInt(value as number) >= 2n ** 63n],
  ]
  const broken = limits.filter(([, is]) => is).map(([keyword]) => `${path}: ${keyword}`)
  if (type === 'array') {
    const list = value as ReadonlyArray<unknown>
    return list.flatMap((item, i) => faults(schema.items as Schema, item, `${path}[${i}]`))
  }
  if (type !== 'object') return broken
  const record = value as Readonly<Record<string, unknown>>
  const missing = (schema.required ?? []).filter((key) => !(key in record))
  const inner = Object.entries(record).flatMap(([key, field]) => {
    const known = schema.properties?.[key] ?? schema.additionalProperties
    const unknown = key.startsWith('later-') ? [] : [`${path}.${key}: unknown`]
    return known === undefined ? unknown : faults(known, field, `${path}.${key}`)
  })
  return [...missing.map((key) => `${path}.${key}: missing`), ...inner]
}

describe.each([
  ['v1', v1Documents],
  ['v3', v3Documents],
] as const)(
  '%s: a schema accepts whatever the codec writes, and keeps every field of it',
  (group, documents) => {
    test.each(Object.keys(documents) as ReadonlyArray<APIKind>)('%s', (kind) => {
      const document = documents[kind] as APIDocument<object>
      const definition = groups[group].find(
        ({ spec }) => (spec.names as { kind: string }).kind === document.kind,
      )
      const schema = versionOf(definition as Definition).schema.openAPIV3Schema
      const specSchema = schema.properties?.spec as Schema
      expect(specSchema['x-kubernetes-preserve-unknown-fields']).toBe(true)
      fc.assert(
        fc.property(plainValues[kind] as fc.Arbitrary<object>, (generated) => {
          const object = document.encode(inResourceForm(generated), { name: 'x' })
          const { spec } = parseJSON(stringifyJSON(object)) as { spec: unknown }
          // The generators go to 2^64 and beyond upstream's smaller bound; schemas need not.
          const wide = /: format$|maxBlocksPerHost: maximum$/
          expect(faults(specSchema, spec, 'spec').filter((fault) => !wide.test(fault))).toEqual([])
        }),
      )
    })
  },
)

describe('ServiceIPPool', () => {
  const [definition] = manifests['harmonycloud.cn/v1alpha1'] as unknown as [Definition]

  test("is the kind the first HC-Calico defined, in a version today's Kubernetes takes", () => {
    expect(definition).toMatchObject({
      apiVersion: 'apiextensions.k8s.io/v1',
      metadata: { name: 'serviceippools.harmonycloud.cn' },
      spec: {
        group: 'harmonycloud.cn',
        scope: 'Namespaced',
        names: {
          kind: 'ServiceIPPool',
          listKind: 'ServiceIPPoolList',
          plural: 'serviceippools',
          singular: 'serviceippool',
          shortNames: ['svcpool'],
          categories: ['all'],
        },
        versions: [{ name: 'v1alpha1', served: true, storage: true, subresources: { status: {} } }],
      },
    })
    const { properties = {} } = versionOf(definition).schema.openAPIV3Schema.properties?.spec ?? {}
    expect(Object.keys(properties)).toEqual([
      'ipv4poolList',
      'disabledIPv4PoolList',
      'ipv6poolList',
      'disabledIPv6PoolList',
    ])
  })

  test('shows totals', () => {
    const columns = versionOf(definition).additionalPrinterColumns ?? []
    const shown = columns.filter(({ priority }) => priority === undefined)
    expect(shown.map(({ name, jsonPath }) => [name, jsonPath])).toEqual([
      ['Total', '.status.total'],
      ['Used', '.status.used'],
      ['Free', '.status.free'],
      ['Serving', '.status.conditions[?(@.type=="Serving")].status'],
      ['Age', '.metadata.creationTimestamp'],
    ])
  })
})

test('as text it is one stream of documents', () => {
  const list = manifests['projectcalico.org/v3']
  const documents = manifestText(list)
    .split('---\n')
    .filter((text) => text !== '')
  expect(documents.map((text) => parse(text) as unknown)).toEqual(list)
})
