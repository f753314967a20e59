/** The settings as they were over time; whoever acts may have read any that held meanwhile. */
import type { Values } from '@hc-calico/ipam-core/ports'
import type { History } from './history.ts'

export interface Settings {
  readonly pools: History<ReadonlyArray<Values['IPPool']>>
  readonly reserved: History<ReadonlyArray<string>>
  readonly config: History<Values['IPAMConfig']>
}
