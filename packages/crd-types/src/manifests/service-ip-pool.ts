/**
 * ServiceIPPool of harmonycloud.cn, as the first HC-Calico defined it (names, spellings, short
 * name, category), with what that definition lacked: a status and columns that show it.
 */
import type { KindDefinition } from './definition.ts'
import { array, conditions, int64, object, type Schema, string } from './schema.ts'

const pools = (description: string): Schema =>
  array(description, { type: 'string', maxLength: 253 }, { maxItems: 1000 })

const counts = (whose: string): Readonly<Record<string, Schema>> => ({
  total: int64(`Addresses ${whose} can give out.`, { minimum: 0 }),
  used: int64('Of these, addresses given out.', { minimum: 0 }),
  free: int64('Of these, addresses left.', { minimum: 0 }),
})

const status: Schema = object({
  description: 'How the pools serve, kept by the controller.',
  properties: {
    ...counts('the serving pools together'),
    observedGeneration: int64('The generation of the object this speaks about.', { minimum: 0 }),
    members: array(
      'Every pool that is named, in the order it is tried.',
      object({
        description: 'One pool.',
        properties: {
          name: string('The pool.'),
          state: string('Serving, Full, Draining, Drained, Disabled, Unfit or Unknown.'),
          ...counts('the pool'),
          held: int64('Addresses that pods of this service hold in the pool.', { minimum: 0 }),
          reason: string('Why the pool cannot serve.'),
        },
        required: ['name', 'state'],
      }),
      { 'x-kubernetes-list-type': 'atomic' },
    ),
    conditions,
  },
})

const count = (name: string, description: string) =>
  ({
    name,
    type: 'integer',
    jsonPath: `.status.${name.toLowerCase()}`,
    description,
  }) as const

export const serviceIPPool: KindDefinition = {
  kind: 'ServiceIPPool',
  plural: 'serviceippools',
  scope: 'Namespaced',
  shortNames: ['svcpool'],
  categories: ['all'],
  description: 'The pools a service takes its addresses from; changing them needs no restart.',
  columns: [
    count('Total', 'Addresses the pools can give out'),
    count('Used', 'Addresses given out'),
    count('Free', 'Addresses left'),
    {
      name: 'Serving',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Serving")].status',
      description: 'Whether pods can get an address',
    },
    {
      name: 'Draining',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Draining")].message',
      description: 'Addresses that are still held in pools that drain',
      priority: 1,
    },
    {
      name: 'IPv4',
      type: 'string',
      jsonPath: '.spec.ipv4poolList',
      description: 'IPv4 pools',
      priority: 1,
    },
    {
      name: 'IPv6',
      type: 'string',
      jsonPath: '.spec.ipv6poolList',
      description: 'IPv6 pools',
      priority: 1,
    },
    {
      name: 'Age',
      type: 'date',
      jsonPath: '.metadata.creationTimestamp',
      description: 'Age of the object',
    },
  ],
  spec: object({
    description: 'Names of IP pools, tried in order. A pool that is also disabled drains.',
    properties: {
      ipv4poolList: pools('IPv4 pools to take addresses from.'),
      disabledIPv4PoolList: pools('IPv4 pools that give nothing new; pods keep what they have.'),
      ipv6poolList: pools('IPv6 pools to take addresses from.'),
      disabledIPv6PoolList: pools('IPv6 pools that give nothing new; pods keep what they have.'),
    },
  }),
  status,
}
