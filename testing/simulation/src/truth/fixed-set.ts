/** The one StatefulSet whose pods keep their addresses, as the API server has it, and what it grants. */
import type { RetentionPolicy } from '@hc-calico/controller'

export interface FixedSet {
  /** Since when there is no such set; undefined while there is one. */
  readonly goneSinceMs: number | undefined
  readonly replicas: number
  /** Of the set, or, when it is gone, as its record repeats it. */
  readonly policy: RetentionPolicy
}

export const ordinalOf = (pod: string): number => Number(pod.replace(/^.*-/, ''))

/** Whether there should be such a pod. */
export const isWanted = ({ goneSinceMs, replicas }: FixedSet, pod: string): boolean =>
  goneSinceMs === undefined && ordinalOf(pod) < replicas

/**
 * Whether the parked addresses of a pod that is not there may be given back, by the words of the
 * policy alone; said here once more, apart from what decides it.
 */
export const mayGo = (set: FixedSet, pod: string, nowMs: number): boolean => {
  const { goneSinceMs, policy } = set
  if (isWanted(set, pod) || policy.tag === 'Forever') return false
  if (goneSinceMs === undefined) return policy.tag === 'ReleaseOnScaleDown'
  return policy.tag !== 'KeepAfterSet' || nowMs - goneSinceMs >= policy.ms
}
