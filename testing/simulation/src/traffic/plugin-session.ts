/**
 * What a call of the plugin works with, in the simulated world: the process's own datastore and clock,
 * and what the API server says of pods, service pools and records, which takes its time and fails now
 * and then.
 */
import type { AddressSession, Entry, FixedRecordStore } from '@hc-calico/cni-plugin/addresses'
import type { Hands } from '../attempt.ts'
import type { Simulation } from '../simulation.ts'
import type { Family } from '../truth/fixed-records.ts'

const serviceName = 'shop'
const failureChance = 0.02

const silent = (): void => {}
const log = { debug: silent, info: silent, warning: silent, error: silent, close: silent }

/** One request to the API server. */
const asked = async ({ world }: Simulation, { process }: Hands): Promise<void> => {
  await world.scheduler.sleep(process.random.between(0.5, 20))
  if (!world.isHealed && process.random.chance(failureChance)) {
    throw new Error('simulated: the API server does not answer')
  }
}

const entryOf = (ip: string | undefined): Entry =>
  ip === undefined ? { tag: 'None' } : { tag: 'Address', ip }

const families: ReadonlyArray<Family> = [4, 6]

const recordsFor = (simulation: Simulation, hands: Hands): FixedRecordStore => ({
  read: async (_, __, pod) => {
    await asked(simulation, hands)
    const { records } = simulation
    return {
      entries: { 4: entryOf(records.get(pod, 4)), 6: entryOf(records.get(pod, 6)) },
      mayBeStale: false,
      isMissing: false,
      isUnlabelled: false,
    }
  },
  write: async (_, __, pod, { entries }, { held, standing }) => {
    await asked(simulation, hands)
    const { records } = simulation
    let isWritten = false
    for (const family of families) {
      const seen = entries[family]
      const before = seen.tag === 'Address' ? seen.ip : undefined
      if (standing.has(family) || held[family] === undefined) continue
      // Somebody has written since: as the API server's own compare.
      if (records.get(pod, family) !== before || before === held[family]) continue
      records.set(pod, family, held[family])
      isWritten = true
    }
    return isWritten
  },
})

export const sessionFor = (simulation: Simulation, hands: Hands, node: string): AddressSession => ({
  config: { ipamLockFile: '/simulated/lock', servicePoolNamespace: 'central' },
  machine: {
    clock: hands.process.clock,
    // Where locks cannot be had the plugin works without: here it always does.
    hostLock: async () => ({ run: (_, body) => body() }),
    openIPAM: (_, msMax) => hands.ipamWithin(msMax),
  },
  log,
  node,
  workloads: {
    lookUp: () => Promise.reject(new Error('bug: nobody looks up a pod here')),
    podCIDRs: () => Promise.reject(new Error('bug: nobody asks for pod CIDRs here')),
    servicePool: async (namespace, name) => {
      await asked(simulation, hands)
      if (namespace !== 'central') return undefined
      const { listed, draining } = simulation.cluster.service.now
      return {
        ...{ namespace, name, ipv4Pools: listed, disabledIPv4Pools: draining },
        ...{ ipv6Pools: [], disabledIPv6Pools: [] },
      }
    },
    fixedRecords: recordsFor(simulation, hands),
  },
  datastore: async () => hands.datastore,
})

/** What the pod of a service says of it. */
export const serviceOfPods = serviceName
