/**
 * `./manifests` on a real API server: they apply over what upstream installs and change nothing its
 * programs rely on; objects stored before are as they were.
 */
import { existsSync } from 'node:fs'
import { type Kubernetes, startKubernetes } from '@hc-calico/cluster/kubernetes'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { manifests, manifestText } from '../src/manifests/index.ts'

const upstream = '../shared/data/calico-crds'

let kubernetes: Kubernetes

beforeAll(async () => {
  kubernetes = await startKubernetes()
})
afterAll(() => kubernetes?.stop())

interface Definition {
  readonly metadata: { readonly name: string }
  readonly spec: {
    readonly group: string
    readonly scope: string
    readonly names: object
    readonly versions: ReadonlyArray<{
      readonly name: string
      readonly served: boolean
      readonly storage: boolean
      readonly subresources?: object
      readonly additionalPrinterColumns?: ReadonlyArray<{ readonly description?: string }>
    }>
  }
  readonly status: { readonly conditions: ReadonlyArray<{ type: string; status: string }> }
}

const definitionsOf = async (group: string): Promise<ReadonlyArray<Definition>> => {
  const text = await kubernetes.kubectl(['get', 'crds', '-o', 'json'])
  const { items } = JSON.parse(text) as { readonly items: ReadonlyArray<Definition> }
  return items.filter(({ spec }) => spec.group === group)
}

/** What a client, a watch or a person at kubectl would notice. */
const reliedUpon = (definitions: ReadonlyArray<Definition>): object =>
  Object.fromEntries(
    definitions.map(({ metadata, spec: { scope, names, versions } }) => {
      const seen = versions.map((version) => ({
        name: version.name,
        served: version.served,
        storage: version.storage,
        // An empty object and none mean the same.
        subresources: Object.keys(version.subresources ?? {}),
        columns: version.additionalPrinterColumns?.map(({ description: _, ...column }) => column),
      }))
      return [metadata.name, { scope, names, versions: seen }]
    }),
  )

const apply = (text: string): Promise<string> =>
  kubernetes.kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], text)

const conditions = (definition: Definition): object =>
  Object.fromEntries(definition.status.conditions.map(({ type, status }) => [type, status]))

/** Served, and (a condition would say so) with no fault in name or schema. */
const expectServed = async (group: string): Promise<void> => {
  const served = async (): Promise<ReadonlyArray<object>> =>
    (await definitionsOf(group)).map(conditions)
  const all = (await served()).map(() => ({ NamesAccepted: 'True', Established: 'True' }))
  expect(all).not.toEqual([])
  await expect.poll(served, { timeout: 30_000 }).toEqual(all)
}

/** Skipped where upstream's manifests do not lie beside the checkout: they are not part of it. */
describe.skipIf(!existsSync(upstream)).each([
  ['crd.projectcalico.org', 'v1'],
  ['projectcalico.org', 'v3'],
] as const)('%s/%s over upstream’s', (group, version) => {
  const list = manifests[`${group}/${version}` as keyof typeof manifests]
  const pool = {
    apiVersion: `${group}/${version}`,
    kind: 'IPPool',
    metadata: { name: 'stored-before' },
    spec: {
      cidr: '10.9.0.0/16',
      blockSize: 26,
      nodeSelector: 'all()',
      ipipMode: 'Never',
      vxlanMode: 'Never',
    },
  }
  const stored = (): Promise<string> =>
    kubernetes.kubectl(['get', `ippools.${group}`, 'stored-before', '-o', 'json'])

  test('change nothing that is relied upon, and keep what is stored', async () => {
    await kubernetes.applyCRDs(`${upstream}/${version}`)
    await kubernetes.apply(pool)
    const before = reliedUpon(await definitionsOf(group))
    const document = await stored()
    await apply(manifestText(list))
    await expectServed(group)
    const after = reliedUpon(await definitionsOf(group))
    // No definition more and none less: ours are upstream's kinds.
    expect(after).toEqual(before)
    expect(JSON.parse(await stored())).toEqual(JSON.parse(document))
  })

  test('applied again, they change nothing', async () => {
    const generations = async (): Promise<string> =>
      kubernetes.kubectl(['get', 'crds', '-o', 'jsonpath={.items[*].metadata.generation}'])
    const before = await generations()
    await apply(manifestText(list))
    expect(await generations()).toBe(before)
  })
})

test('ServiceIPPool is served beside them', async () => {
  await apply(manifestText(manifests['harmonycloud.cn/v1alpha1']))
  await expectServed('harmonycloud.cn')
})
