import type { Capabilities } from '@hc-calico/ipam-core/ports'

/** One SQLite transaction per commit; changes are seen by polling the file's revision counter. */
export const capabilities: Capabilities = { atomicCommit: true, watch: true }
