/** The memory datastore keeps the contract, atomic and not, watching and not. */
import { type MemoryDatastoreOptions, MemoryStore } from '@hc-calico/ipam-core/memory'
import {
  CommitStopped,
  type Datastore,
  DatastoreFailure,
  fromPromises,
  type PromiseDatastore,
} from '@hc-calico/ipam-core/ports'
import { describeDatastoreContract, lossyClient } from '../src/index.ts'

/** Async functions that throw: what `fromPromises` takes. */
const asPromises = (store: Datastore): PromiseDatastore => ({
  capabilities: store.capabilities,
  read: async (queries, options) => {
    const answers = await store.read(queries, options)()
    if (answers._tag === 'Left') throw new DatastoreFailure(answers.left)
    return answers.right
  },
  commit: async (writes, options) => {
    const result = await store.commit(writes, options)()
    if (result._tag === 'Left') throw new CommitStopped(result.left)
    return result.right
  },
  watch: (kind, cancellation) => store.watch(kind, cancellation),
})

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
      const lossy = lossyClient(store.open())
      return { first: store.open(), second: store.open(), lossy, close: async () => {} }
    },
  })
}

describeDatastoreContract('memory, through a wrapper that loses nothing', {
  capabilities: { atomicCommit: true, watch: true },
  open: async () => {
    const store = new MemoryStore()
    const [first, second] = [lossyClient(store.open()).store, lossyClient(store.open()).store]
    return { first, second, lossy: lossyClient(store.open()), close: async () => {} }
  },
})

describeDatastoreContract('memory, as an author of an adapter with plain promises writes it', {
  capabilities: { atomicCommit: true, watch: true },
  losesReplies: false,
  open: async () => {
    const store = new MemoryStore()
    const open = () => fromPromises(asPromises(store.open()))
    return { first: open(), second: open(), close: async () => {} }
  },
})
