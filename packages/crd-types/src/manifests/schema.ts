/**
 * Words to write structural schemas with (OpenAPI v3 as apiextensions.k8s.io/v1 takes it). Every
 * object of ours keeps unknown fields: a schema that prunes would silently drop what a newer
 * Calico stores, and our manifests may be applied over a newer installation.
 */
export type Schema = Readonly<Record<string, unknown>>

export interface Rule {
  /** CEL; must be true. */
  readonly rule: string
  readonly message: string
  readonly reason?: 'FieldValueInvalid' | 'FieldValueForbidden'
}

export const string = (description: string, more: Schema = {}): Schema => ({
  description,
  type: 'string',
  ...more,
})

export const words = (description: string, ...allowed: ReadonlyArray<string>): Schema =>
  string(description, { enum: allowed })

export const boolean = (description: string, more: Schema = {}): Schema => ({
  description,
  type: 'boolean',
  ...more,
})

export const integer = (description: string, more: Schema = {}): Schema => ({
  description,
  type: 'integer',
  ...more,
})

export const int64 = (description: string, more: Schema = {}): Schema =>
  integer(description, { format: 'int64', ...more })

export const array = (description: string, items: Schema, more: Schema = {}): Schema => ({
  description,
  type: 'array',
  items,
  ...more,
})

export const mapOf = (description: string, values: Schema): Schema => ({
  description,
  type: 'object',
  additionalProperties: values,
})

export interface ObjectSchema {
  readonly description: string
  readonly properties: Readonly<Record<string, Schema>>
  readonly required?: ReadonlyArray<string>
  readonly rules?: ReadonlyArray<Rule>
}

export const object = ({ description, properties, required, rules }: ObjectSchema): Schema => ({
  description,
  type: 'object',
  properties,
  ...(required === undefined ? {} : { required }),
  'x-kubernetes-preserve-unknown-fields': true,
  ...(rules === undefined ? {} : validated(...rules)),
})

export const validated = (...rules: ReadonlyArray<Rule>): Schema => ({
  'x-kubernetes-validations': rules,
})

const dnsLabel = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const qualifiedName = `^(${dnsLabel}(\\.${dnsLabel})*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$`

/** The list of conditions of Kubernetes objects. */
export const conditions: Schema = array(
  'The current state in conditions, one per type.',
  {
    description: 'One aspect of the current state.',
    type: 'object',
    properties: {
      type: string('Which aspect.', { maxLength: 316, pattern: qualifiedName }),
      status: words('Whether it holds.', 'True', 'False', 'Unknown'),
      reason: string('Why, in one word for programs.', {
        minLength: 1,
        maxLength: 1024,
        pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$',
      }),
      message: string('Why, in a sentence for people.', { maxLength: 32768 }),
      lastTransitionTime: string('When the status last changed.', { format: 'date-time' }),
      observedGeneration: int64('The generation of the object this speaks about.', { minimum: 0 }),
    },
    required: ['lastTransitionTime', 'message', 'reason', 'status', 'type'],
  },
  { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] },
)
