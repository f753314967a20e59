// A container whose addresses were made its identity's while it ran: its end parks them.
import { createIPAM, fixedStateOf } from '@hc-calico/ipam-core'
import { expect, test } from 'vitest'
import { fixedHandleID } from '../../src/fixed-identity.ts'
import { World } from '../world.ts'

const handleID = fixedHandleID('shop', 'redis-0')
const identity = 'shop/StatefulSet/redis/redis-0'
const fromHandleID = 'k8s-pod-network.c1'

const started = async (plugin: 'main' | 'ipam') => {
  const world = await World.create()
  const args = world.pod('redis-0', 'shop')
  const { document } = await world.run({ command: 'ADD', plugin, args })
  const ipam = createIPAM({ datastore: world.datastore })
  const frozen = await ipam.freezeFixed({ fromHandleID, handleID, identity })
  const state = async () => {
    const [block] = await world.list('Block')
    const index = block.allocations.find((one: number | null) => one !== null)
    return fixedStateOf(block.attributes[index]?.secondary)
  }
  return { world, args, document, frozen, state }
}

const plugins = ['main', 'ipam'] as const

test.each(plugins)('DEL (%s), with and without the result of ADD', async (plugin) => {
  for (const withResult of [true, false]) {
    const { world, args, document, frozen, state } = await started(plugin)
    const conf = withResult ? { prevResult: document } : {}
    expect((await world.run({ command: 'DEL', plugin, args, conf })).code).toBe(0)
    expect(await world.held()).toEqual({ [handleID]: 1 })
    expect(await state()).toEqual({ identity, epoch: frozen?.epoch })
  }
})

test.each(plugins)(
  'DEL (%s) where a writer that was killed left the container’s count',
  async (plugin) => {
    const { world, args, state, frozen } = await started(plugin)
    const [block] = await world.list('Block')
    expect(frozen?.ips).toHaveLength(1)
    const value = { id: fromHandleID, blocks: { [block.cidr]: 1 } }
    await world.seed([{ op: 'create', key: { kind: 'Handle', id: fromHandleID }, value }])
    expect((await world.run({ command: 'DEL', plugin, args })).code).toBe(0)
    expect(await state()).toEqual({ identity, epoch: frozen?.epoch })
    expect((await world.list('Handle')).map(({ id }) => id)).toEqual([handleID])
  },
)

test.each(plugins)('GC (%s), when the runtime does not know it any more', async (plugin) => {
  const { world, frozen, state } = await started(plugin)
  const conf = { 'cni.dev/valid-attachments': [] }
  expect((await world.run({ command: 'GC', plugin, id: '', ns: '', ifName: '', conf })).code).toBe(
    0,
  )
  expect(await world.held()).toEqual({ [handleID]: 1 })
  expect(await state()).toEqual({ identity, epoch: frozen?.epoch })
})

test('CHECK (ipam) while it runs', async () => {
  const { world, args, document } = await started('ipam')
  const conf = { prevResult: document }
  expect((await world.run({ command: 'CHECK', plugin: 'ipam', args, conf })).code).toBe(0)
})
