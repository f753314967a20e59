/**
 * Reads and replaces the configuration. Two combinations would leave nodes without addresses or
 * limits that borrowing defeats, and are refused as in Calico. Writing what is there already is no
 * write. Fields that we do not know keep their stored value.
 */
import { left, right } from 'fp-ts/lib/Either.js'
import { type Refusal, refuse } from '../errors.ts'
import { defaultIPAMConfig, type IPAMConfig } from '../model/ipam-config.ts'
import type { KeyValue, Write } from '../ports/datastore.ts'
import { type Decision, done, readMore } from './decision.ts'
import { getIn, notYetRead, type Snapshot } from './snapshot.ts'

const key = { kind: 'IPAMConfig' } as const
const queries = [{ get: key }] as const
const cooldownSecondsMax = 1200

/** What holds now; an absent object means the defaults. */
export const configIn = (snapshot: Snapshot): IPAMConfig =>
  getIn(snapshot, key)?.value ?? defaultIPAMConfig

const isWithin = (value: number, max: number): boolean =>
  Number.isInteger(value) && value >= 0 && value <= max

/** Why the configuration cannot be, or undefined. */
export const configFault = (config: IPAMConfig): Refusal | undefined => {
  const { strictAffinity, autoAllocateBlocks, maxBlocksPerHost, ipCooldownSeconds } = config
  if (!isWithin(maxBlocksPerHost, 2 ** 31 - 1)) {
    const message = `maxBlocksPerHost must be a whole number from 0, but is ${maxBlocksPerHost}`
    return refuse('ConfigRejected', message)
  }
  if (!isWithin(ipCooldownSeconds, cooldownSecondsMax)) {
    const message = `ipCooldownSeconds must be a whole number from 0 to ${cooldownSecondsMax}, but is ${ipCooldownSeconds}`
    return refuse('ConfigRejected', message)
  }
  if (!strictAffinity && !autoAllocateBlocks) {
    const message = "Cannot disable 'StrictAffinity' and 'AutoAllocateBlocks' at the same time"
    return refuse('ConfigRejected', message)
  }
  if (maxBlocksPerHost > 0 && !strictAffinity) {
    const message = 'MaxBlocksPerHost requires StrictAffinity to be enabled'
    return refuse('ConfigRejected', message)
  }
  return undefined
}

const isSame = (a: IPAMConfig, b: IPAMConfig): boolean =>
  a.strictAffinity === b.strictAffinity &&
  a.autoAllocateBlocks === b.autoAllocateBlocks &&
  a.maxBlocksPerHost === b.maxBlocksPerHost &&
  a.kubeVirtVMAddressPersistence === b.kubeVirtVMAddressPersistence &&
  a.ipCooldownSeconds === b.ipCooldownSeconds

const configWrite = (
  stored: KeyValue<'IPAMConfig'> | undefined,
  config: IPAMConfig,
): Write<'IPAMConfig'> => {
  if (stored === undefined) return { op: 'create', key, value: config }
  const unknownFields = config.unknownFields ?? stored.value.unknownFields
  const value = unknownFields === undefined ? config : { ...config, unknownFields }
  return { op: 'update', key, value, revision: stored.revision }
}

export const getIPAMConfigDecision: Decision<undefined, IPAMConfig> = {
  operation: 'getIPAMConfig',
  start: undefined,
  decide: ({ snapshot }) =>
    notYetRead(snapshot, queries).length > 0
      ? right(readMore(queries, undefined))
      : right(done(configIn(snapshot))),
}

export const setIPAMConfigDecision = (config: IPAMConfig): Decision<undefined, void> => ({
  operation: 'setIPAMConfig',
  start: undefined,
  decide: ({ snapshot }) => {
    if (notYetRead(snapshot, queries).length > 0) return right(readMore(queries, undefined))
    if (isSame(configIn(snapshot), config)) return right(done(undefined))
    const fault = configFault(config)
    if (fault !== undefined) return left(fault)
    const writes = [configWrite(getIn(snapshot, key), config)]
    return right({ tag: 'Write', writes, progress: undefined })
  },
})
