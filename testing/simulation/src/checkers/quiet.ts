/** Once nothing moves and garbage is collected: only live pods hold addresses, and handles count exactly. */
import type { Values } from '@hc-calico/ipam-core/ports'
import type { Pods } from '../pods.ts'
import type { SimulatedStore } from '../simulated-store.ts'
import { holdersIn } from './blocks.ts'

const countedIn = (blocks: ReadonlyArray<Values['Block']>): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const block of blocks) {
    for (const handle of holdersIn(block).values()) {
      const name = `${handle} in ${block.cidr}`
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
  }
  return counts
}

export const quietFaults = (store: SimulatedStore, pods: Pods): ReadonlyArray<string> => {
  const faults: string[] = []
  const blocks = store.list({ list: 'Block' }).map(({ value }) => value as Values['Block'])
  const holders = new Map(blocks.flatMap((block) => [...holdersIn(block)]))
  for (const pod of pods.live) {
    const holder = holders.get(pod.address as string)
    if (holder !== pod.handle) faults.push(`${pod.address}: live ${pod.handle}, block ${holder}`)
  }
  for (const [address, handle] of holders) {
    if (handle !== undefined && pods.isGone(handle)) faults.push(`${address}: leaked by ${handle}`)
    if (handle === undefined) faults.push(`${address}: still cooling`)
  }
  const counted = countedIn(blocks)
  for (const { value } of store.list({ list: 'Handle' })) {
    const handle = value as Values['Handle']
    // Calico's own order leaves a handle that counts too much when its process dies in between.
    if (pods.all.get(handle.id)?.isUpstream) continue
    for (const [cidr, count] of Object.entries(handle.blocks)) {
      const name = `${handle.id} in ${cidr}`
      if (counted.get(name) !== count) faults.push(`${name}: ${count}, not ${counted.get(name)}`)
    }
  }
  for (const name of counted.keys()) {
    const [id = '', , cidr = ''] = name.split(' ')
    const handle = store.get({ kind: 'Handle', id })?.value as Values['Handle'] | undefined
    if (handle?.blocks[cidr] === undefined) faults.push(`${name}: allocated and not counted`)
  }
  return faults
}
