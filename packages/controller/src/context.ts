/** What every reconciler is made with. */
import type { IPAM } from '@hc-calico/ipam-core'
import type { Datastore } from '@hc-calico/ipam-core/ports'
import type { KubeClient } from '@hc-calico/kube-client'
import type { ControllerClock } from './clock.ts'
import type { EventRecorder } from './events.ts'
import type { Log } from './log.ts'
import type { ControllerMetrics } from './metrics/metrics.ts'
import type { ControllerSettings } from './settings.ts'
import type { Sources } from './sources/sources.ts'

export interface ControllerContext {
  readonly sources: Sources
  /** Both refuse every write once this process leads no more. */
  readonly client: KubeClient
  readonly datastore: Datastore
  /** On that datastore. */
  readonly ipam: IPAM
  readonly events: EventRecorder
  readonly metrics: ControllerMetrics
  readonly clock: ControllerClock
  readonly log: Log
  readonly settings: ControllerSettings
}
