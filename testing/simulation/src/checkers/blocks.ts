/** At every write: the block's own laws, a sequence number that grows, and no live holder robbed. */
import { checkInvariants } from '@hc-calico/ipam-core/fp'
import { addressInBlock, trustedCIDR } from '@hc-calico/ipam-core/ip'
import type { Values } from '@hc-calico/ipam-core/ports'
import type { Pods } from '../pods.ts'
import type { Change } from '../simulated-store.ts'

type Block = Values['Block']

/** Address -> handle of every allocation; cooling addresses have no handle. */
export const holdersIn = (block: Block): ReadonlyMap<string, string | undefined> => {
  const cidr = trustedCIDR(block.cidr)
  const holders = block.allocations.flatMap(
    (index, ordinal): Array<[string, string | undefined]> =>
      index === null
        ? []
        : [[addressInBlock(cidr, ordinal).replace(/\/.*/, ''), block.attributes[index]?.handleID]],
  )
  return new Map(holders)
}

const blockOf = (keyValue: Change['before']): Block | undefined =>
  keyValue?.key.kind === 'Block' ? (keyValue.value as Block) : undefined

export const blockFaults = ({ before, after }: Change, pods: Pods): ReadonlyArray<string> => {
  const [old, now] = [blockOf(before), blockOf(after)]
  if (old === undefined && now === undefined) return []
  const faults = now === undefined ? [] : checkInvariants(now)
  if (old !== undefined && now !== undefined && now.sequenceNumber <= old.sequenceNumber) {
    faults.push(`block ${now.cidr}: sequence ${old.sequenceNumber} -> ${now.sequenceNumber}`)
  }
  const holders = now === undefined ? new Map() : holdersIn(now)
  for (const address of old === undefined ? [] : holdersIn(old).keys()) {
    const pod = pods.holderOf(address)
    if (pod !== undefined && holders.get(address) !== pod.handle) {
      faults.push(`${address}: live ${pod.handle} lost it to ${holders.get(address)}`)
    }
  }
  return faults
}
