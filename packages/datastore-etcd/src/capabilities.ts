import type { Capabilities } from '@hc-calico/ipam-core/ports'

/** One transaction per commit; a watch per kind. */
export const capabilities: Capabilities = { atomicCommit: true, watch: true }
