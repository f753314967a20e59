/**
 * What people and the controller do about fixed addresses: somebody writes another address into the
 * record, the controller carries it out for one that is parked, and the addresses of a running pod
 * that was not annotated become its identity's.
 */
import { attempt } from '../attempt.ts'
import type { Event, Simulation } from '../simulation.ts'
import { type Identity, identityText, isV4, stateOf } from './identities.ts'

const wishRanges = [
  ['10.0.0.', 32],
  ['10.0.1.', 16],
] as const

/**
 * While it may be exchanged, nobody counts on the address that the identity has; a container that
 * holds it does, for nothing is taken from one that runs.
 */
export const loosen = ({ claims }: Simulation, { wishes, kept, handle }: Identity): void => {
  if (wishes.size === 0) return
  for (const address of kept.filter(isV4)) {
    if (claims.get(address)?.holder === undefined) claims.end(address, handle)
  }
}

/** It has these addresses; an entry of the record that says something else is a wish still. */
export const has = (
  { records }: Simulation,
  identity: Identity,
  addresses: ReadonlyArray<string>,
): void => {
  const entry = records.get(identity.pod, 4)
  identity.kept = addresses
  identity.wishes.clear()
  if (entry !== undefined && !addresses.includes(entry)) identity.wishes.add(entry)
}

/** Somebody writes an address into the record, or takes the entry out. */
export const wish = (simulation: Simulation, { random }: Event, identity: Identity): void => {
  const { records, releasable } = simulation
  const [prefix, size] = random.pick(wishRanges)
  const ip = `${prefix}${random.below(size)}`
  const isRemoval = random.chance(0.2)
  records.set(identity.pod, 4, isRemoval ? undefined : ip)
  if (!isRemoval) identity.wishes.add(ip)
  // One that was exchanged in part holds two addresses until it starts again.
  releasable.add(identity.handle)
  loosen(simulation, identity)
}

/** The controller's part: whoever is parked gets what the record says without waiting for a start. */
export const answerWish = async (
  simulation: Simulation,
  event: Event,
  identity: Identity,
): Promise<void> => {
  const { records, cluster } = simulation
  const { handle: handleID, pod, running } = identity
  const ip = records.get(pod, 4)
  const seen = stateOf(simulation, handleID)
  if (running !== undefined || ip === undefined) return
  if (seen === undefined || seen.holder !== undefined) return
  const [host] = cluster.nodes
  if (host === undefined) return
  loosen(simulation, identity)
  await attempt(simulation, event, {
    node: 'controller',
    what: `re-pin ${handleID}`,
    run: ({ ipam }) => ipam.repinFixed({ handleID, epoch: seen.epoch, ip, host }),
  })
}

/** The set is annotated, and its running pod keeps what it has. */
export const freeze = async (
  simulation: Simulation,
  event: Event,
  identity: Identity,
): Promise<void> => {
  const { claims } = simulation
  const { running, handle: handleID } = identity
  if (identity.isAnnotated || running === undefined) return
  identity.isAnnotated = true
  const { sandbox, addresses } = running
  const holder = sandbox.handle
  const frozen = { handle: handleID, holder }
  for (const address of addresses) claims.set(address, { handle: holder, or: frozen })
  const ended = await attempt(simulation, event, {
    node: 'controller',
    what: `freeze ${handleID}`,
    run: ({ ipam }) =>
      ipam.freezeFixed({ fromHandleID: holder, handleID, identity: identityText(identity) }),
  })
  simulation.releasable.add(handleID)
  if (identity.running !== running || ended.tag !== 'Done' || ended.result === undefined) return
  for (const address of addresses) claims.set(address, frozen)
  identity.running = { addresses, sandbox: { ...sandbox, identity: handleID } }
  has(simulation, identity, addresses)
}
