/**
 * Garbage collection as reference 6.1 of Calico: an allocation whose pod is gone, seen twice with the
 * same sequence number, is released with handle and sequence number. Handles likewise, then cold
 * addresses. The truth about pods is asked again right before a release.
 */
import { addressInBlock, trustedCIDR } from '@hc-calico/ipam-core/ip'
import type { KeyValue } from '@hc-calico/ipam-core/ports'
import { attempt } from '../attempt.ts'
import type { Simulation } from '../simulation.ts'

interface Leak {
  readonly address: string
  readonly handle: string
  readonly sequenceNumber: bigint
}

const allocationsIn = ({ value: block }: KeyValue<'Block'>): ReadonlyArray<Leak> =>
  block.allocations.flatMap((index, ordinal) => {
    const handle = index === null ? undefined : block.attributes[index]?.handleID
    const sequenceNumber = block.sequenceNumberForAllocation[ordinal]
    if (handle === undefined || sequenceNumber === undefined) return []
    const address = addressInBlock(trustedCIDR(block.cidr), ordinal).replace(/\/.*/, '')
    return [{ address, handle, sequenceNumber }]
  })

const nameOf = (leak: Leak): string => `${leak.address} ${leak.handle} ${leak.sequenceNumber}`

export class Collector {
  readonly #simulation: Simulation
  #suspects = new Set<string>()

  constructor(simulation: Simulation) {
    this.#simulation = simulation
  }

  async collect(): Promise<void> {
    const { world, wrap, pods } = this.#simulation
    await attempt(world, wrap, {
      node: 'controller',
      what: 'GC',
      run: async (ipam, datastore) => {
        const read = await datastore.read([{ list: 'Block' }, { list: 'Handle' }])()
        if (read._tag === 'Left') return
        const [blocks, handles] = read.right
        const leaks = blocks.flatMap(allocationsIn).filter(({ handle }) => pods.isGone(handle))
        const orphans = handles.filter(({ value }) => pods.isGone(value.id))
        const confirmed = leaks.filter((leak) => this.#suspects.has(nameOf(leak)))
        const twice = orphans.filter(({ value }) => this.#suspects.has(value.id))
        this.#suspects = new Set([...leaks.map(nameOf), ...orphans.map(({ value }) => value.id)])
        if (confirmed.length > 0) await ipam.releaseIPs(confirmed)
        for (const { value } of twice) await ipam.releaseByHandle(value.id).catch(() => {})
        await ipam.garbageCollectColdIPs()
      },
    })
  }

  async run(): Promise<void> {
    const { world } = this.#simulation
    while (!this.#simulation.isDraining) {
      await world.scheduler.sleep(world.random.between(20_000, 120_000))
      await this.collect()
    }
  }
}
