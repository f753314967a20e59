/** The HC-Calico datastore in one embedded SQLite file, for one machine. */
export { openLocalDatastore } from './datastore.ts'
export type { EnsuredObject, LocalDatastoreOptions } from './options.ts'
