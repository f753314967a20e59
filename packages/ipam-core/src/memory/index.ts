/** The memory datastore: the port without a server, for tests and simulations. */
export {
  createMemoryDatastore,
  type MemoryDatastoreOptions,
  MemoryStore,
} from './memory-datastore.ts'
