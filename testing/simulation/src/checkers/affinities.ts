/** At every write: a block that names an owner has that owner's affinity, and a confirmed one its block. */
import type { Values } from '@hc-calico/ipam-core/ports'
import type { Change, SimulatedStore } from '../simulated-store.ts'

const cidrOf = (change: Change): string | undefined =>
  change.key.kind === 'Block' || change.key.kind === 'BlockAffinity' ? change.key.cidr : undefined

/** A commit that is atomic is judged at its end: `isWhole` is false before. */
export const affinityFaults = (change: Change, store: SimulatedStore): ReadonlyArray<string> => {
  const cidr = cidrOf(change)
  if (cidr === undefined) return []
  const block = store.get({ kind: 'Block', cidr })?.value as Values['Block'] | undefined
  const confirmed = store
    .list({ list: 'BlockAffinity' })
    .map(({ value }) => value as Values['BlockAffinity'])
    .filter((one) => one.cidr === cidr && one.state === 'confirmed')
  if (confirmed.length > 1) {
    return [`block ${cidr}: confirmed for ${confirmed.map(({ host }) => host).join(' and ')}`]
  }
  const [owner] = confirmed
  if (owner === undefined || block?.affinity === `${owner.type}:${owner.host}`) return []
  return [`block ${cidr}: confirmed for ${owner.host}, and the block says ${block?.affinity}`]
}
