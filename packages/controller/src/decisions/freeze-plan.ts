/**
 * Freeze: the addresses that the running pods of a set have now become fixed, without restart. An
 * address is frozen only while the blocks say that it was given to that very pod; a pod whose
 * identity has another address already is left alone, because an identity has one of each family.
 */
import type { FixedIdentity } from './fixed-inventory.ts'

export interface RunningPod {
  readonly name: string
  readonly node: string
  readonly ips: ReadonlyArray<string>
  readonly isDeleting: boolean
  readonly isHostNetwork: boolean
}

/** Who has an address, by the blocks. */
export interface AddressHolder {
  readonly handleID: string
  readonly node: string
  readonly namespace: string
  readonly pod: string
}

export interface FreezeSituation {
  readonly namespace: string
  readonly pods: ReadonlyArray<RunningPod>
  /** Ordinary allocations, by address. */
  readonly holderOf: (ip: string) => AddressHolder | undefined
  /** By pod name. */
  readonly identities: ReadonlyMap<string, FixedIdentity>
}

export interface FreezeStep {
  readonly pod: string
  readonly node: string
  readonly ips: ReadonlyArray<string>
  /** The container's handle: what holds the addresses now, and the holder they keep. */
  readonly containerHandleID: string
}

export interface FreezePlan {
  readonly freeze: ReadonlyArray<FreezeStep>
  /** Pods whose addresses are fixed already. */
  readonly done: ReadonlyArray<string>
  /** Pods that cannot be frozen now, each with why, one clause. */
  readonly left: ReadonlyArray<{ readonly pod: string; readonly why: string }>
}

type Judged =
  | { readonly step: FreezeStep }
  | { readonly done: string }
  | { readonly left: { readonly pod: string; readonly why: string } }

const judge = (pod: RunningPod, situation: FreezeSituation): Judged => {
  const { namespace, holderOf, identities } = situation
  const leave = (why: string): Judged => ({ left: { pod: pod.name, why } })
  if (pod.isDeleting) return leave('it is ending')
  if (pod.isHostNetwork) return leave('it uses its node’s address')
  if (pod.ips.length === 0) return leave('it has no address yet')
  const own = identities.get(pod.name)?.addresses.map(({ ip }) => ip) ?? []
  if (own.some((ip) => !pod.ips.includes(ip))) {
    return leave(`it runs with ${pod.ips.join(', ')} while ${own.join(', ')} is fixed for it`)
  }
  const open = pod.ips.filter((ip) => !own.includes(ip))
  if (open.length === 0) return { done: pod.name }
  const holders = open.map(holderOf)
  const [first] = holders
  const isOurs = holders.every(
    (one) =>
      one !== undefined &&
      one.handleID === first?.handleID &&
      one.pod === pod.name &&
      one.namespace === namespace,
  )
  if (first === undefined || !isOurs) return leave(`${open.join(', ')} is not allocated to it`)
  const { handleID: containerHandleID, node } = first
  return { step: { pod: pod.name, node, ips: open, containerHandleID } }
}

export const freezePlan = (situation: FreezeSituation): FreezePlan => {
  const judged = situation.pods.map((pod) => judge(pod, situation))
  return {
    freeze: judged.flatMap((one) => ('step' in one ? [one.step] : [])),
    done: judged.flatMap((one) => ('done' in one ? [one.done] : [])),
    left: judged.flatMap((one) => ('left' in one ? [one.left] : [])),
  }
}

const templateAdvice =
  'the pod template has no annotation fixed.ipam.harmonycloud.cn: "true", so the next start of a pod takes an ordinary address: add it (with the update strategy OnDelete nothing restarts)'

/** What the set's owner hears; undefined while there is nothing to say. */
export const freezeMessage = (
  { name, isTemplateFixed }: { readonly name: string; readonly isTemplateFixed: boolean },
  { done, left }: FreezePlan,
): string | undefined => {
  const total = done.length + left.length
  if (total === 0) return undefined
  const counted = `the addresses of ${done.length} of ${total} pods of ${name} are fixed`
  const open = left.map(({ pod, why }) => `${pod}: ${why}`)
  return [counted, ...open, ...(isTemplateFixed ? [] : [templateAdvice])].join('; ')
}
