/**
 * Once nothing moves and garbage is collected: whoever may count on an address has it, nobody else
 * holds one, handles count exactly, every affinity has its block, and no process is still at work.
 */
import type { Values } from '@hc-calico/ipam-core/ports'
import type { Simulation } from '../simulation.ts'
import { addressesOf, allocationsIn } from '../traffic/allocations.ts'
import { mayGo } from '../truth/fixed-set.ts'
import { attributeOf, claimFault } from './blocks.ts'

type Block = Values['Block']

const judgeAddresses = (
  { world, claims, releasable, fixedSet, cluster }: Simulation,
  blocks: ReadonlyArray<Block>,
): void => {
  const stored = new Map(
    blocks.flatMap((block) =>
      addressesOf(block).map((address, o) => [address, attributeOf(block, o)] as const),
    ),
  )
  for (const [address, claim] of claims.all) {
    const fault = claimFault(claim, stored.get(address))
    if (fault !== undefined) world.violate('nobody loses an address', `${address}: ${fault}`)
  }
  for (const [address, attribute] of stored) {
    if (attribute === undefined) continue
    const pod = /^hc-fixed\.default\.(.*)$/.exec(attribute.handleID ?? '')?.[1]
    const isDue =
      pod !== undefined &&
      !cluster.pods.has(`default/${pod}`) &&
      mayGo(fixedSet.now, pod, world.nowMs)
    if (!isDue && claims.get(address) !== undefined) continue
    if (!isDue && releasable.has(attribute.handleID ?? '')) continue
    const who = attribute.handleID ?? `cooling since ${attribute.releasedAt}`
    world.violate('nothing leaks', `${address}: ${who}`)
  }
}

const judgeHandles = (
  { world, upstreamHandles }: Simulation,
  blocks: ReadonlyArray<Block>,
): void => {
  const counted = new Map<string, number>()
  for (const { handleID, block } of blocks.flatMap(allocationsIn)) {
    const name = `${handleID} in ${block}`
    counted.set(name, (counted.get(name) ?? 0) + 1)
  }
  for (const { value } of world.store.list({ list: 'Handle' })) {
    for (const [cidr, count] of Object.entries(value.blocks)) {
      const name = `${value.id} in ${cidr}`
      const found = counted.get(name) ?? 0
      counted.delete(name)
      // Calico's own order leaves a handle that counts too much when its process dies in between.
      const isSlack = found < count && upstreamHandles.has(value.id) && found > 0
      if (found !== count && !isSlack) {
        world.violate('handles count exactly', `${name}: counts ${count}, holds ${found}`)
      }
    }
  }
  for (const name of counted.keys()) world.violate('handles count exactly', `${name}: not counted`)
}

const judgeQuietAffinities = ({ world }: Simulation, blocks: ReadonlyArray<Block>): void => {
  const affinities = world.store.list({ list: 'BlockAffinity' }).map(({ value }) => value)
  const owners = new Map(blocks.map(({ cidr, affinity }) => [cidr, affinity]))
  for (const { cidr, type, host, state } of affinities) {
    const owner = owners.get(cidr)
    if (owner === `${type}:${host}`) continue
    const words = `${cidr}: ${state} for ${host}, and the block ${owner ?? 'is not there'}`
    world.violate('no affinity without its block', words)
  }
  for (const [cidr, owner] of owners) {
    if (owner === undefined) continue
    if (!affinities.some((one) => one.cidr === cidr && `${one.type}:${one.host}` === owner)) {
      world.violate('no owner without an affinity', `${cidr}: ${owner}`)
    }
  }
}

export const judgeQuiet = (simulation: Simulation): void => {
  const { world } = simulation
  const blocks = world.store.list({ list: 'Block' }).map(({ value }) => value)
  judgeAddresses(simulation, blocks)
  judgeHandles(simulation, blocks)
  judgeQuietAffinities(simulation, blocks)
  for (const { writer } of world.running) {
    world.violate('every operation ends', `${writer.what} of ${writer.node} is still at work`)
  }
}
