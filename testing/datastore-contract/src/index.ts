/** The contract every datastore adapter must pass, as data and as a vitest suite. */

import type { Capabilities, Datastore, Kind } from '@hc-calico/ipam-core/ports'
import { afterEach, beforeEach, describe, test } from 'vitest'
import type { ContractCase } from './contract-case.ts'
import type { LossyClient } from './lossy-store.ts'
import { cancellationCases } from './suites/cancellation.ts'
import { commitCases } from './suites/commits.ts'
import { listCases } from './suites/lists.ts'
import { outcomeUnknownCases } from './suites/outcome-unknown.ts'
import { readCases } from './suites/reads.ts'
import { twoClientCases } from './suites/two-clients.ts'
import { watchCases } from './suites/watches.ts'
import { writeCases } from './suites/writes.ts'

export type { ContractCase, ContractContext } from './contract-case.ts'
export { type LossyClient, lossyClient } from './lossy-store.ts'
export { openInOtherProcess, serveDatastore } from './other-process.ts'
export { plainForm } from './plain-form.ts'

export const contractCases: ReadonlyArray<ContractCase> = [
  ...writeCases,
  ...listCases,
  ...commitCases,
  ...cancellationCases,
  ...readCases,
  ...twoClientCases,
  ...watchCases,
]

export { outcomeUnknownCases }

/** Two independent clients of one fresh store, and how to get rid of it. */
export interface OpenedStore {
  readonly first: Datastore
  readonly second: Datastore
  /** Where `losesReplies` is declared. */
  readonly lossy?: LossyClient
  readonly close: () => Promise<void>
}

export interface ContractOptions {
  readonly capabilities: Capabilities
  /** Whether there is something between client and store that may lose messages. Default true. */
  readonly losesReplies?: boolean
  /** Default: every kind. */
  readonly writableKinds?: ReadonlyArray<Kind>
  readonly open: () => Promise<OpenedStore>
}

const everyCase = [...contractCases, ...outcomeUnknownCases]

export const describeDatastoreContract = (name: string, options: ContractOptions): void => {
  describe(`datastore contract: ${name}`, () => {
    let store: OpenedStore
    beforeEach(async () => {
      store = await options.open()
    })
    afterEach(() => store.close())
    const cases = options.losesReplies === false ? contractCases : everyCase
    for (const { group, name: what, run } of cases) {
      const { capabilities, writableKinds } = options
      test(`${group}: ${what}`, () => run({ ...store, capabilities, writableKinds }))
    }
  })
}
