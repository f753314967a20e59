/**
 * The IPAM configuration of both API groups: IPAMConfig in crd.projectcalico.org/v1 and
 * IPAMConfiguration in projectcalico.org/v3, whose schema defaults autoAllocateBlocks to true.
 */
import { right } from 'fp-ts/lib/Either.js'
import { type NoFields, type Open, openObject } from '../codecs/open-object.ts'
import { flag, oneOf, wholeNumber } from '../codecs/primitives.ts'
import { present, type ResourceRules } from '../documents/resource.ts'
import type { IPAMConfig } from '../model.ts'

export const maxBlocksPerHost = wholeNumber(0, 2147483647)
export const ipCooldownSeconds = wholeNumber(0, 1200)
export const addressPersistence = oneOf('Enabled', 'Disabled')

const optional = {
  strictAffinity: flag,
  autoAllocateBlocks: flag,
  maxBlocksPerHost,
  kubeVirtVMAddressPersistence: addressPersistence,
  ipCooldownSeconds,
}
type Spec = Open<NoFields, typeof optional>

export const ipamConfig = (kind: string, autoAllocateBlocks: boolean) => {
  const rules: ResourceRules<IPAMConfig, Spec> = {
    kind,
    spec: openObject({ required: {}, optional }),
    read: ({ unknownFields: _, ...spec }, _name, leftOver) =>
      right({
        value: {
          strictAffinity: false,
          autoAllocateBlocks,
          maxBlocksPerHost: 0,
          ipCooldownSeconds: 0,
          ...spec,
        },
        leftOver,
      }),
    write: (config) => ({
      spec: {
        strictAffinity: config.strictAffinity,
        autoAllocateBlocks: config.autoAllocateBlocks,
        ...present('maxBlocksPerHost', config.maxBlocksPerHost || undefined),
        ...present('kubeVirtVMAddressPersistence', config.kubeVirtVMAddressPersistence),
        ...present('ipCooldownSeconds', config.ipCooldownSeconds || undefined),
      },
    }),
  }
  return rules
}
