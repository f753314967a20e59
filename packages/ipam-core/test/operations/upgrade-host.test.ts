import { expect, test } from 'vitest'
import { claimAffinity } from '../../src/operations/claim-affinity.ts'
import { upgradeHost } from '../../src/operations/upgrade-host.ts'
import type { Datastore } from '../../src/ports/index.ts'
import { ok, poolOf, refused, type World, worldOf } from './world.ts'

const cluster = async (): Promise<World> => {
  const world = await worldOf({ pools: [poolOf('10.0.0.0/26', 28)] })
  for (const [cidr, host] of [
    ['10.0.0.0/28', 'n1'],
    ['10.0.0.16/28', 'n1'],
    ['10.0.0.32/28', 'n2'],
  ] as const) {
    await ok(claimAffinity(world.deps, cidr, { type: 'host', host }))
  }
  world.calls.length = 0
  return world
}

/** As Kubernetes answers: lists by host show labelled objects only, and a write adds the labels. */
const withLabels = (datastore: Datastore, labelled: Set<string>): Datastore => ({
  ...datastore,
  read: ((queries, options) => async () => {
    const answers = await datastore.read(queries, options)()
    if (answers._tag === 'Left') return answers
    const shown = (answers.right as ReadonlyArray<unknown>).map((answer, i) => {
      const query = queries[i]
      if (query === undefined || !('list' in query) || query.where === undefined) return answer
      return (answer as ReadonlyArray<{ key: { cidr: string } }>).filter(({ key }) =>
        labelled.has(key.cidr),
      )
    })
    return { _tag: 'Right', right: shown }
  }) as Datastore['read'],
  commit: (writes, options) => {
    for (const { key } of writes) if (key.kind === 'BlockAffinity') labelled.add(key.cidr)
    return datastore.commit(writes, options)
  },
})

test('affinities that a list by host does not show are written again, unchanged', async () => {
  const world = await cluster()
  const labelled = new Set(['10.0.0.16/28'])
  const deps = { ...world.deps, datastore: withLabels(world.deps.datastore, labelled) }
  const before = await ok(world.store.read([{ list: 'BlockAffinity' }]))
  await ok(upgradeHost(deps, 'n1'))
  expect([...labelled]).toEqual(['10.0.0.16/28', '10.0.0.0/28'])
  const after = await ok(world.store.read([{ list: 'BlockAffinity' }]))
  expect(after[0].map((one) => one.value)).toEqual(before[0].map((one) => one.value))
})

test('where there is nothing to do nothing is written', async () => {
  const world = await cluster()
  await ok(upgradeHost(world.deps, 'n1'))
  await ok(upgradeHost(world.deps, 'unknown'))
  expect(world.calls.map((call) => call.tag)).toEqual(['Read', 'Read'])
})

test('a host without a name is refused', async () => {
  const world = await cluster()
  expect((await refused(upgradeHost(world.deps, ''))).tag).toBe('InvalidRequest')
})
