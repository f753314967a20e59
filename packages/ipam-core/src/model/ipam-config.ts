import type { UnknownFields } from './unknown-fields.ts'

/** Cluster-wide IPAM settings (reference 1.8, 2.4). */
export interface IPAMConfig {
  readonly strictAffinity: boolean
  readonly autoAllocateBlocks: boolean
  /** Blocks per host and family; 0 means unset (the allocator then uses 20). */
  readonly maxBlocksPerHost: number
  readonly kubeVirtVMAddressPersistence?: 'Enabled' | 'Disabled'
  /** 0..1200; how long a released address rests before it can be given out again. */
  readonly ipCooldownSeconds: number
  readonly unknownFields?: UnknownFields
}

/** What an absent configuration means (reference 1.8.1). */
export const defaultIPAMConfig: IPAMConfig = {
  strictAffinity: false,
  autoAllocateBlocks: true,
  maxBlocksPerHost: 0,
  ipCooldownSeconds: 0,
}
