/** The memory datastore keeps the contract, atomic and not, watching and not. */
import { type MemoryDatastoreOptions, MemoryStore } from '@hc-calico/ipam-core/memory'
import { describeDatastoreContract } from '../src/index.ts'

const variants: ReadonlyArray<Required<MemoryDatastoreOptions>> = [
  { atomicCommit: true, watch: true },
  { atomicCommit: false, watch: true },
  { atomicCommit: true, watch: false },
]

for (const options of variants) {
  describeDatastoreContract(`memory ${JSON.stringify(options)}`, {
    capabilities: options,
    open: async () => {
      const store = new MemoryStore(options)
      return { first: store.open(), second: store.open(), close: async () => {} }
    },
  })
}
