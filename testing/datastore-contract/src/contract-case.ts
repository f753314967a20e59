/** One case of the contract: plain data, so that vitest and the self-tests can both run it. */
import type { Capabilities, Datastore, Kind } from '@hc-calico/ipam-core/ports'
import type { LossyClient } from './lossy-store.ts'

export interface ContractContext {
  /** Two independent clients of one fresh, empty store. */
  readonly first: Datastore
  readonly second: Datastore
  readonly capabilities: Capabilities
  /** Kinds the store lets be written; on Kubernetes, for example, nodes are the kubelet's. */
  readonly writableKinds?: ReadonlyArray<Kind> | undefined
  /** A third client, to which messages get lost; absent where none can. */
  readonly lossy?: LossyClient | undefined
}

export interface ContractCase {
  readonly group: string
  readonly name: string
  /** Rejects, with what was expected, when the store breaks the contract. */
  readonly run: (context: ContractContext) => Promise<void>
}
