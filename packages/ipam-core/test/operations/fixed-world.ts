/** An identity and its containers in a small world, for the tests of fixed addresses. */
import { type FixedState, fixedAttrs, fixedStateOf } from '../../src/model/fixed-allocation.ts'
import { autoAssign } from '../../src/operations/auto-assign.ts'
import type { Deps } from '../../src/operations/deps.ts'
import { takeOverFixed } from '../../src/operations/fixed-holder.ts'
import { Killed } from './faults.ts'
import { ok, poolOf, assignRequest as request, valuesOf, type World } from './world.ts'

export const handleID = 'hc-fixed.shop.redis-0'
export const identity = 'shop/StatefulSet/redis/redis-0'

export const pools = [poolOf('10.0.0.0/24', 28), poolOf('fd00::/120', 124)]

const ipsOf = (result: Awaited<ReturnType<typeof given>>): ReadonlyArray<string> => [
  ...(result.v4?.ips ?? []),
  ...(result.v6?.ips ?? []),
]

const given = (deps: Deps, handle: string, host: string, attrs: Readonly<Record<string, string>>) =>
  ok(autoAssign(deps, request({ num6: 1, handleID: handle, host, attrs })))

/** An ordinary container, as the plugin and upstream's start it. */
export const startOrdinary = async ({ deps }: World, id: string, host = 'n1') =>
  ipsOf(await given(deps, id, host, { node: host, pod: 'redis-0', namespace: 'shop' }))

/** The first start of a fixed pod. */
export const startFixed = async ({ deps }: World, id: string, host = 'n1') =>
  ipsOf(
    await given(
      deps,
      handleID,
      host,
      fixedAttrs({ identity, epoch: 1, holder: { id, node: host } }),
    ),
  )

export const takeOver = ({ deps }: World, id: string, node = 'n2') =>
  ok(takeOverFixed(deps, { handleID, identity, holder: { id, node } }))

/** Every allocation by its address: whose it is, and what its attributes say. */
export const allocations = async (world: World) => {
  const found = new Map<string, { readonly handle: string; readonly state?: FixedState }>()
  for (const block of await valuesOf(world, 'Block')) {
    block.allocations.forEach((index, ordinal) => {
      const attribute = index === null ? undefined : block.attributes[index]
      if (attribute?.handleID === undefined) return
      const state = fixedStateOf(attribute.secondary)
      const about = { handle: attribute.handleID, ...(state === undefined ? {} : { state }) }
      found.set(`${block.cidr}#${ordinal}`, about)
    })
  }
  return found
}

/** What the identity holds: slots of blocks, and what they say. */
export const owned = async (world: World): Promise<ReadonlyMap<string, FixedState | undefined>> => {
  const all = [...(await allocations(world))].filter(([, { handle }]) => handle === handleID)
  return new Map(all.map(([slot, { state }]) => [slot, state]))
}

/** Whether the act ended before the process was killed. */
export const survived = (act: Promise<unknown>): Promise<boolean> =>
  act
    .then(() => true)
    .catch((error: unknown) => {
      if (error instanceof Killed) return false
      throw error
    })
