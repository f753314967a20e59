/**
 * The IPAM configuration in etcd: flat, two of its names in snake case, and false left out, so
 * that an object without `auto_allocate_blocks` means false although no object at all means true.
 */
import { isLeft, right } from 'fp-ts/lib/Either.js'
import { openObject } from '../codecs/open-object.ts'
import { flag } from '../codecs/primitives.ts'
import type { EtcdDocument } from '../documents/document.ts'
import { carried, present } from '../documents/resource.ts'
import type { IPAMConfig } from '../model.ts'
import { decodeWith } from '../report.ts'
import { addressPersistence, ipCooldownSeconds, maxBlocksPerHost } from '../v3/ipam-config.ts'

const fields = openObject({
  required: {},
  optional: {
    strict_affinity: flag,
    auto_allocate_blocks: flag,
    maxBlocksPerHost,
    kubeVirtVMAddressPersistence: addressPersistence,
    ipCooldownSeconds,
  },
})

export const ipamConfig: EtcdDocument<IPAMConfig, unknown> = {
  decode: (document) => {
    const decoded = decodeWith(fields, document)
    if (isLeft(decoded)) return decoded
    const {
      strict_affinity: strictAffinity = false,
      auto_allocate_blocks: autoAllocateBlocks = false,
      maxBlocksPerHost = 0,
      kubeVirtVMAddressPersistence,
      ipCooldownSeconds = 0,
      unknownFields = {},
    } = decoded.right
    return right({
      strictAffinity,
      autoAllocateBlocks,
      maxBlocksPerHost,
      ...present('kubeVirtVMAddressPersistence', kubeVirtVMAddressPersistence),
      ipCooldownSeconds,
      ...carried(unknownFields),
    })
  },
  encode: (config) =>
    fields.encode({
      ...present('strict_affinity', config.strictAffinity || undefined),
      ...present('auto_allocate_blocks', config.autoAllocateBlocks || undefined),
      ...present('maxBlocksPerHost', config.maxBlocksPerHost || undefined),
      ...present('kubeVirtVMAddressPersistence', config.kubeVirtVMAddressPersistence),
      ...present('ipCooldownSeconds', config.ipCooldownSeconds || undefined),
      ...present('unknownFields', config.unknownFields),
    }),
}
