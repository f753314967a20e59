/**
 * After every commit: a block has one confirmed owner at most, and the block agrees. Two nodes that
 * both announce one block would take each other's traffic. An owner without affinity announces nothing.
 */
import type { Simulation } from '../simulation.ts'
import type { Change } from '../store/simulated-store.ts'

const cidrOf = ({ key }: Change): string | undefined =>
  key.kind === 'Block' || key.kind === 'BlockAffinity' ? key.cidr : undefined

export const judgeAffinities = ({ world }: Simulation, changes: ReadonlyArray<Change>): void => {
  const { store } = world
  for (const cidr of new Set(changes.map(cidrOf))) {
    if (cidr === undefined) continue
    const affinities = store
      .list({ list: 'BlockAffinity' })
      .flatMap(({ value }) => (value.cidr === cidr ? [value] : []))
    const confirmed = affinities
      .filter(({ state }) => state === 'confirmed')
      .map(({ type, host }) => `${type}:${host}`)
    const owner = store.get({ kind: 'Block', cidr })?.value.affinity
    const [first] = confirmed
    if (confirmed.length > 1) {
      world.violate('an affinity has one owner', `${cidr}: ${confirmed.join(' and ')}`)
    } else if (first !== undefined && owner !== first) {
      const words = `${cidr}: confirmed for ${first}, and the block says ${owner}`
      world.violate('an affinity has one owner', words)
    }
    // In one commit both come and both go; elsewhere only when all is quiet.
    const isClaimed = affinities.some(({ type, host }) => `${type}:${host}` === owner)
    if (store.isAtomic && owner !== undefined && !isClaimed) {
      world.violate('no owner without an affinity', `${cidr}: ${owner}`)
    }
  }
}
