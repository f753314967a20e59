import type { Capabilities } from '@hc-calico/ipam-core/ports'

/** The API writes one object at a time. */
export const capabilities: Capabilities = { atomicCommit: false, watch: true }
