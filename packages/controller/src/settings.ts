/** What may be chosen about the loops, with the defaults. Where things are is in `options.ts`. */
import { defaultElectionLimits, type ElectionLimits } from './decisions/leader-election.ts'
import { defaultThresholdLimits, type ThresholdLimits } from './decisions/pool-thresholds.ts'
import { defaultPace, type SourcePace } from './sources/kube-source.ts'

export interface ControllerSettings {
  /** Namespace of the lease, and of what has no namespace of its own. */
  readonly namespace: string
  readonly leaseName: string
  /** Where service pools are looked for that the pod's namespace lacks. */
  readonly servicePoolNamespace: string
  /** Suspicions of garbage collection must be this old. */
  readonly leakGraceMs: number
  /** Absences of sets and ordinals must be this old before retention believes them. */
  readonly retentionGraceMs: number
  /** How long addresses are kept whose set is gone and whose policy nobody has ever seen. */
  readonly unknownRetentionMs: number
  /** Garbage collection only says what it would do. */
  readonly isCollectionDry: boolean
  /** Addresses that garbage collection or retention release in one run; the rest waits for the next. */
  readonly releasesPerRunMax: number
  readonly election: ElectionLimits
  readonly pace: SourcePace
  readonly thresholds: ThresholdLimits
}

export const defaultSettings: ControllerSettings = {
  namespace: 'kube-system',
  leaseName: 'hc-calico-controller',
  servicePoolNamespace: 'kube-system',
  leakGraceMs: 900_000,
  retentionGraceMs: 60_000,
  unknownRetentionMs: 3_600_000,
  isCollectionDry: false,
  releasesPerRunMax: 500,
  election: defaultElectionLimits,
  pace: defaultPace,
  thresholds: defaultThresholdLimits,
}
