/** The conditions of a ServiceIPPool: what a person should know at one glance, in sentences. */
import type { Condition, ServicePoolMember } from '@hc-calico/crd-types/harmonycloud'
import type { HeldAddresses } from './service-status.ts'

export interface FamilyMember extends ServicePoolMember {
  readonly family: 4 | 6
}

export interface ConditionsSituation {
  readonly members: ReadonlyArray<FamilyMember>
  readonly held: HeldAddresses
  readonly before: ReadonlyArray<Condition>
  readonly generation: number
  readonly now: string
}

type Finding = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>

const finding = (type: string, isTrue: boolean, reason: string, message: string): Finding => ({
  type,
  status: isTrue ? 'True' : 'False',
  reason,
  message,
})

const addresses = (n: number): string => (n === 1 ? '1 address' : `${n} addresses`)

const isDraining = ({ state }: FamilyMember): boolean => state === 'Draining' || state === 'Drained'

/** Each family that has a list needs a member with room. */
const serving = (members: ReadonlyArray<FamilyMember>): Finding => {
  const listed = members.filter((member) => !isDraining(member))
  if (listed.length === 0) {
    const message = 'no pool is listed: pods take addresses as if they named no service'
    return finding('Serving', false, 'NothingListed', message)
  }
  const families = [...new Set(listed.map(({ family }) => family))]
  const short = families.filter(
    (family) => !listed.some((one) => one.family === family && one.state === 'Serving'),
  )
  if (short.length === 0) {
    const named = listed.filter(({ state }) => state === 'Serving').map(({ name }) => name)
    return finding('Serving', true, 'RoomLeft', `addresses are left in ${named.join(', ')}`)
  }
  const unable = listed.filter(({ family }) => short.includes(family))
  const isFull = unable.some(({ state }) => state === 'Full')
  const why = unable.map(({ name, reason = 'it is full' }) => `${name}: ${reason}`).join('; ')
  const what = short.map((family) => `IPv${family}`).join(' and ')
  const reason = isFull ? 'Full' : 'NoMemberFit'
  return finding('Serving', false, reason, `no pool can serve an ${what} address: ${why}`)
}

const degraded = (members: ReadonlyArray<FamilyMember>): Finding => {
  const unfit = members.filter(({ state }) => ['Unknown', 'Disabled', 'Unfit'].includes(state))
  if (unfit.length === 0) return finding('Degraded', false, 'AllFit', 'every listed pool is fit')
  const why = unfit.map(({ name, reason = '' }) => `${name}: ${reason}`).join('; ')
  return finding('Degraded', true, 'MemberUnfit', why)
}

const draining = (members: ReadonlyArray<FamilyMember>): Finding => {
  const named = members.filter(isDraining)
  if (named.length === 0) return finding('Draining', false, 'NothingDrains', 'no pool drains')
  const left = named.filter(({ state }) => state === 'Draining')
  if (left.length === 0) {
    const names = named.map(({ name }) => name).join(', ')
    return finding('Draining', false, 'Drained', `no pod has an address of ${names} any more`)
  }
  const how = left.map(({ name, held = 0 }) => `${addresses(held)} in ${name}`).join('; ')
  return finding('Draining', true, 'AddressesHeld', `still held: ${how}`)
}

/** Addresses in pools that the service would not take them from now. */
const outside = (
  type: string,
  held: ReadonlyMap<string, number>,
  members: ReadonlyArray<FamilyMember>,
  isOutside: (member: FamilyMember | undefined) => boolean,
  whose: string,
): Finding => {
  const byName = new Map(members.map((member) => [member.name, member]))
  const pools = [...held].filter(([name, n]) => n > 0 && isOutside(byName.get(name)))
  if (pools.length === 0) {
    return finding(type, false, 'AllInside', `${whose} are in the service's pools`)
  }
  const where = pools.map(([name, n]) => `${n} in ${name}`).join('; ')
  return finding(type, true, 'HeldOutside', `${whose} outside the serving pools: ${where}`)
}

const overridden = (overriding: number): ReadonlyArray<Finding> => {
  if (overriding === 0) return []
  const pods = overriding === 1 ? '1 pod names' : `${overriding} pods name`
  const message = `${pods} pools by annotation as well: the service counts`
  return [finding('PoolAnnotationIgnored', true, 'ServiceCounts', message)]
}

/** In a fixed order; the time of one changes only with its status. */
export const serviceConditions = (situation: ConditionsSituation): ReadonlyArray<Condition> => {
  const { members, held, before, generation, now } = situation
  const ordinary = new Map(
    [...held.all].map(([name, n]) => [name, n - (held.fixed.get(name) ?? 0)] as const),
  )
  const isUnnamed = (member: FamilyMember | undefined) => member === undefined
  const isNotServing = (member: FamilyMember | undefined) =>
    member === undefined || !['Serving', 'Full'].includes(member.state)
  const findings = [
    serving(members),
    degraded(members),
    draining(members),
    outside('FixedOutsidePool', held.fixed, members, isNotServing, 'fixed addresses'),
    outside('HeldOutsidePools', ordinary, members, isUnnamed, 'addresses of running pods'),
    ...overridden(held.overriding),
  ]
  return findings.map((one) => {
    const old = before.find(({ type }) => type === one.type)
    const lastTransitionTime = old?.status === one.status ? old.lastTransitionTime : now
    return { ...one, lastTransitionTime, observedGeneration: generation }
  })
}
