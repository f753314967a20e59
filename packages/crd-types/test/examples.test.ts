// The example files hold together: every object reads, and each names others that are there.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { decodeIPPool, decodeServiceIPPool } from '../src/index.ts'

const examples = join(import.meta.dirname, '../../../examples')

const objectsOf = (file: string): ReadonlyArray<Record<string, unknown>> =>
  parseAllDocuments(readFileSync(join(examples, file), 'utf8')).map((document) => {
    expect(document.errors).toEqual([])
    return document.toJS() as Record<string, unknown>
  })

const pools = () => objectsOf('ip-pools.yaml').map((object) => decodeIPPool(object))
const service = () => decodeServiceIPPool(objectsOf('service-ip-pool.yaml')[0])

test('the pools are pools, and only for those who ask for them', () => {
  expect(pools().map(({ name, assignmentMode }) => [name, assignmentMode])).toEqual(
    ['ippool1', 'ippool2', 'ippool3', 'ippool5', 'ippool6'].map((name) => [name, 'Manual']),
  )
})

test('every pool of the service that serves is there, in its family', () => {
  const isIPv6 = new Map(pools().map(({ name, cidr }) => [name, cidr.includes(':')]))
  const { ipv4Pools, ipv6Pools } = service()
  expect(ipv4Pools.map((name) => isIPv6.get(name))).toEqual([false, false])
  expect(ipv6Pools.map((name) => isIPv6.get(name))).toEqual([true, true])
})

test('the StatefulSet asks for fixed addresses, as text, and names the service', () => {
  const set = objectsOf('stateful-set.yaml').find(({ kind }) => kind === 'StatefulSet') as {
    readonly spec: { readonly template: { readonly metadata: { readonly annotations: object } } }
  }
  expect(set.spec.template.metadata.annotations).toEqual({
    'fixed.ipam.harmonycloud.cn': 'true',
    serviceIPPoolcrd: service().name,
  })
})
