/** The contract every datastore adapter must pass, as data and as a vitest suite. */

import type { Capabilities, Datastore, Kind } from '@hc-calico/ipam-core/ports'
import { afterEach, beforeEach, describe, test } from 'vitest'
import type { ContractCase } from './contract-case.ts'
import { cancellationCases } from './suites/cancellation.ts'
import { commitCases } from './suites/commits.ts'
import { readCases } from './suites/reads.ts'
import { twoClientCases } from './suites/two-clients.ts'
import { watchCases } from './suites/watches.ts'
import { writeCases } from './suites/writes.ts'

export type { ContractCase, ContractContext } from './contract-case.ts'
export { plainForm } from './plain-form.ts'

export const contractCases: ReadonlyArray<ContractCase> = [
  ...writeCases,
  ...commitCases,
  ...cancellationCases,
  ...readCases,
  ...twoClientCases,
  ...watchCases,
]

/** Two independent clients of one fresh store, and how to get rid of it. */
export interface OpenedStore {
  readonly first: Datastore
  readonly second: Datastore
  readonly close: () => Promise<void>
}

export interface ContractOptions {
  readonly capabilities: Capabilities
  /** Default: every kind. */
  readonly writableKinds?: ReadonlyArray<Kind>
  readonly open: () => Promise<OpenedStore>
}

export const describeDatastoreContract = (name: string, options: ContractOptions): void => {
  describe(`datastore contract: ${name}`, () => {
    let store: OpenedStore
    beforeEach(async () => {
      store = await options.open()
    })
    afterEach(() => store.close())
    for (const { group, name: what, run } of contractCases) {
      const { capabilities, writableKinds } = options
      test(`${group}: ${what}`, () => run({ ...store, capabilities, writableKinds }))
    }
  })
}
