// What a call waits for: every read and every commit of the main plugin, in order. On a datastore in
// the network each line is a round trip, so a new one must be meant.
import { expect, test } from 'vitest'
import { type Call, World } from '../world.ts'

const conf = { policy: { type: 'k8s' } }

/** Runs a call and says what it asked of the datastore. */
const waitsOf = async (world: World, call: Call): Promise<ReadonlyArray<string>> => {
  world.waits = []
  expect(await world.run(call)).toMatchObject({ code: 0 })
  return world.waits
}

const surroundings = 'read ClusterInformation, list WorkloadEndpoint'
const everything = 'read IPAMConfig, list IPPool, list IPReservation, list BlockAffinity, Node'

test('ADD and DEL', async () => {
  const world = await World.create()
  const first = { id: 'c1', ns: 'a', args: world.pod('web-0'), conf }
  const second = { id: 'c2', ns: 'b', args: world.pod('web-1'), conf }
  expect(await waitsOf(world, { ...first, command: 'ADD' })).toEqual([
    surroundings,
    everything,
    'commit create Handle, create BlockAffinity, create Block',
    'commit create WorkloadEndpoint',
  ])
  expect(await waitsOf(world, { ...second, command: 'ADD' })).toEqual([
    surroundings,
    everything,
    'read Block',
    'commit create Handle, update Block',
    'commit create WorkloadEndpoint',
  ])
  const [block] = await world.list('Block')
  const prevResult = { cniVersion: '1.1.0', routes: [{ dst: block.cidr }] }
  const withResult = { ...second, command: 'DEL', conf: { ...conf, prevResult } }
  // Beside the release, not after it.
  const legacy = 'read Handle'
  expect(await waitsOf(world, withResult)).toEqual([
    surroundings,
    'commit delete WorkloadEndpoint',
    'read Handle, IPAMConfig, list IPPool, Block',
    legacy,
    'commit update Block, delete Handle',
  ])
  expect(await waitsOf(world, { ...first, command: 'DEL' })).toEqual([
    surroundings,
    'commit delete WorkloadEndpoint',
    'read Handle, IPAMConfig, list IPPool',
    legacy,
    'read Block',
    'commit update Block, delete Handle',
  ])
})
