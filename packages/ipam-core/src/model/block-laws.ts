/**
 * What must hold for every stored block, the same that `calicoctl ipam check` validates. Property
 * tests and the simulation ask after every step; an empty answer means all is well.
 */
import { trustedCIDR } from '../ip/cidr.ts'
import { blockAddresses } from '../ip/ordinal.ts'
import type { Instant } from '../ports/clock.ts'
import type { Block } from './block.ts'
import { instantOf } from './instant-text.ts'

const allocationFaults = (block: Block, size: number): string[] => {
  const faults: string[] = []
  if (block.allocations.length !== size) {
    faults.push(`has ${block.allocations.length} allocations for ${size} addresses`)
  }
  const used = new Set<number>()
  block.allocations.forEach((index, ordinal) => {
    if (index === null) return
    used.add(index)
    if (!Number.isInteger(index) || index < 0 || index >= block.attributes.length) {
      faults.push(`ordinal ${ordinal} refers to attribute ${index}, which does not exist`)
    }
  })
  block.attributes.forEach((_, i) => {
    if (!used.has(i)) faults.push(`attribute ${i} is referred to by no ordinal`)
  })
  return faults
}

const queueFaults = (block: Block, size: number): string[] => {
  const faults: string[] = []
  const seen = new Set<number>()
  for (const ordinal of block.unallocated) {
    if (!Number.isInteger(ordinal) || ordinal < 0 || ordinal >= size) {
      faults.push(`free ordinal ${ordinal} is out of range`)
    }
    if (seen.has(ordinal)) faults.push(`free ordinal ${ordinal} is queued twice`)
    if (typeof block.allocations[ordinal] === 'number') {
      faults.push(`ordinal ${ordinal} is both free and allocated`)
    }
    seen.add(ordinal)
  }
  const taken = block.allocations.filter((index) => index !== null).length
  if (block.unallocated.length + taken !== size) {
    faults.push(`${block.unallocated.length} free and ${taken} allocated do not make ${size}`)
  }
  return faults
}

/** Broken laws as sentences. With `now`, a release in the future (beyond a second) is one too. */
export const checkInvariants = (block: Block, now?: Instant): string[] => {
  const size = blockAddresses(trustedCIDR(block.cidr))
  const early = block.attributes.flatMap(({ releasedAt }, i) => {
    const at = releasedAt === undefined ? undefined : instantOf(releasedAt)
    const ahead = at !== undefined && now !== undefined && at > now + 1_000_000_000n
    return ahead ? [`attribute ${i} was released in the future, at ${releasedAt}`] : []
  })
  return [...allocationFaults(block, size), ...queueFaults(block, size), ...early].map(
    (fault) => `block ${block.cidr}: ${fault}`,
  )
}
