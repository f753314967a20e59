/** Puts a kind's schema into a CustomResourceDefinition of apiextensions.k8s.io/v1. */
import { type Schema, string } from './schema.ts'

export interface PrinterColumn {
  readonly name: string
  readonly type: 'string' | 'integer' | 'boolean' | 'date'
  readonly jsonPath: string
  readonly description: string
  /** 0 (the default) always shows, 1 with `-o wide`. */
  readonly priority?: number
}

export interface KindDefinition {
  readonly kind: string
  readonly plural: string
  readonly scope: 'Cluster' | 'Namespaced'
  readonly shortNames?: ReadonlyArray<string>
  readonly categories?: ReadonlyArray<string>
  readonly columns?: ReadonlyArray<PrinterColumn>
  readonly description: string
  readonly spec: Schema
  /** Given: the kind has the status subresource. */
  readonly status?: Schema
  readonly required?: ReadonlyArray<string>
}

export interface CustomResourceDefinition {
  readonly apiVersion: 'apiextensions.k8s.io/v1'
  readonly kind: 'CustomResourceDefinition'
  readonly metadata: { readonly name: string }
  readonly spec: Readonly<Record<string, unknown>>
}

const given = (key: string, value: unknown): Schema => (value === undefined ? {} : { [key]: value })

const openAPISchema = (kind: KindDefinition): Schema => ({
  description: kind.description,
  type: 'object',
  properties: {
    apiVersion: string('Group and version of this object.'),
    kind: string('Kind of this object.'),
    metadata: { type: 'object' },
    spec: kind.spec,
    ...given('status', kind.status),
  },
  ...given('required', kind.required),
})

export const customResourceDefinition = (
  group: string,
  version: string,
  kind: KindDefinition,
): CustomResourceDefinition => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${kind.plural}.${group}` },
  spec: {
    group,
    names: {
      kind: kind.kind,
      listKind: `${kind.kind}List`,
      plural: kind.plural,
      singular: kind.kind.toLowerCase(),
      ...given('shortNames', kind.shortNames),
      ...given('categories', kind.categories),
    },
    scope: kind.scope,
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        ...given('additionalPrinterColumns', kind.columns),
        schema: { openAPIV3Schema: openAPISchema(kind) },
        ...given('subresources', kind.status === undefined ? undefined : { status: {} }),
      },
    ],
  },
})
