/**
 * What people and controllers change while pods come and go: pools are disabled, deleted and made
 * again, reservations and configuration edited, the service's list of pools too, and blocks are
 * taken from their nodes, gently or not.
 */
import type { RetentionPolicy } from '@hc-calico/controller'
import { defaultIPAMConfig } from '@hc-calico/ipam-core'
import type { Write } from '@hc-calico/ipam-core/ports'
import { attempt, type Hands } from '../attempt.ts'
import type { SeededRandom } from '../seeded-random.ts'
import type { Event, Simulation } from '../simulation.ts'
import { optionalPools, poolNamed } from './settings.ts'

type Edit = (simulation: Simulation, hands: Hands, random: SeededRandom) => Promise<unknown>

const reservation = { kind: 'IPReservation', name: 'kept' } as const

/** One read, one write: an operator who lost the race has simply not done it. */
const commit = async ({ datastore }: Hands, write: Write | undefined): Promise<void> => {
  if (write !== undefined) await datastore.commit([write])()
}

const editPool: Edit = async (_, hands, random) => {
  const name = random.pick(optionalPools)
  const key = { kind: 'IPPool', name } as const
  const read = await hands.datastore.read([{ get: key }])()
  if (read._tag === 'Left') return
  const [found] = read.right
  if (found === undefined) {
    await commit(hands, { op: 'create', key, value: poolNamed(name) })
    return
  }
  const { value, revision } = found
  if (random.chance(0.4)) {
    const next = { ...value, disabled: !value.disabled }
    await commit(hands, { op: 'update', key, value: next, revision })
    return
  }
  // As Calico's own tools: nothing new from it, then its blocks, then the pool itself.
  const closing = { ...value, disabled: true }
  const closed = await hands.datastore.commit([{ op: 'update', key, value: closing, revision }])()
  if (closed._tag === 'Left') return
  await hands.ipam.releasePoolAffinities(value.cidr)
  const [last] = closed.right.revisions
  if (last !== undefined) await commit(hands, { op: 'delete', key, revision: last })
}

const editReservation: Edit = async (_, hands, random) => {
  const read = await hands.datastore.read([{ get: reservation }])()
  if (read._tag === 'Left') return
  const [found] = read.right
  const reservedCIDRs = [`10.0.0.${random.below(32)}/32`, `10.0.1.${8 * random.below(2)}/30`]
  const value = { name: reservation.name, reservedCIDRs }
  if (found === undefined) await commit(hands, { op: 'create', key: reservation, value })
  else if (random.chance(0.4)) {
    await commit(hands, { op: 'delete', key: reservation, revision: found.revision })
  } else {
    await commit(hands, { op: 'update', key: reservation, value, revision: found.revision })
  }
}

const editConfig: Edit = async (_, { ipam }, random) => {
  const strictAffinity = random.chance(0.2)
  await ipam.setIPAMConfig({
    strictAffinity,
    autoAllocateBlocks: true,
    maxBlocksPerHost: strictAffinity && random.chance(0.5) ? 3 : 0,
    ipCooldownSeconds: random.pick([0, 0, 30, 120]),
  })
}

/** At once, as an edit of the object on the API server is. */
const editService: Edit = async ({ cluster, world }, _, random) => {
  const listed = [...optionalPools, 'a'].filter(() => random.chance(0.7))
  const draining = listed.filter(() => random.chance(0.25))
  cluster.service.set(world.nowMs, {
    listed: random.chance(0.5) ? listed : listed.reverse(),
    draining,
  })
}

const policies: ReadonlyArray<RetentionPolicy> = [
  { tag: 'WhileSetExists' },
  { tag: 'ReleaseOnScaleDown' },
  { tag: 'KeepAfterSet', ms: 600_000 },
  { tag: 'Forever' },
]

/** It is scaled, gets another policy, is deleted, or is made again. */
const editSet: Edit = async ({ fixedSet, world }, _, random) => {
  const set = fixedSet.now
  if (set.goneSinceMs !== undefined) {
    fixedSet.set(world.nowMs, {
      goneSinceMs: undefined,
      replicas: 4,
      policy: random.pick(policies),
    })
  } else if (random.chance(0.3)) fixedSet.set(world.nowMs, { ...set, goneSinceMs: world.nowMs })
  else if (random.chance(0.5)) fixedSet.set(world.nowMs, { ...set, replicas: 1 + random.below(4) })
  else fixedSet.set(world.nowMs, { ...set, policy: random.pick(policies) })
}

const releaseAffinities: Edit = async ({ nodes }, { ipam }, random) => {
  const host = random.pick(nodes)
  const mustBeEmpty = random.chance(0.7)
  if (random.chance(0.2)) await ipam.removeIPAMHost(host)
  else await ipam.releaseHostAffinities({ type: 'host', host }, { mustBeEmpty })
}

/** Room for everybody: what is refused after this is refused without a reason. */
const resetSettings: Edit = async (_, hands) => {
  const { ipam, datastore } = hands
  await ipam.setIPAMConfig(defaultIPAMConfig)
  const key = { kind: 'IPPool', name: 'room' } as const
  await commit(hands, { op: 'create', key, value: poolNamed('room') })
  const read = await datastore.read([{ list: 'IPReservation' }])()
  if (read._tag === 'Left') return
  for (const { key, revision } of read.right[0]) {
    await datastore.commit([{ op: 'delete', key, revision }])()
  }
}

const edits: Readonly<Record<EditName, Edit>> = {
  'edit a pool': editPool,
  'edit the reservation': editReservation,
  'edit the configuration': editConfig,
  'edit the service': editService,
  'edit the set': editSet,
  'release affinities': releaseAffinities,
  'reset the settings': resetSettings,
}

export type EditName =
  | 'edit a pool'
  | 'edit the reservation'
  | 'edit the configuration'
  | 'edit the service'
  | 'edit the set'
  | 'release affinities'
  | 'reset the settings'

export const edit = async (simulation: Simulation, event: Event, name: EditName): Promise<void> => {
  await attempt(simulation, event, {
    node: 'operator',
    what: name,
    run: (hands) => edits[name](simulation, hands, event.random),
  })
}
