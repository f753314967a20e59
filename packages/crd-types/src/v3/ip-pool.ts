/**
 * IPPool. Calico fills defaults when it writes a pool and again when it reads one, because older
 * or hand-written objects lack them; so does this. Two facts of the value live outside the spec:
 * `terminating` is the deletion timestamp, `allocatable` the status condition of that name. A
 * value that says so without having been read from such a resource writes a placeholder.
 */
import { left, right } from 'fp-ts/lib/Either.js'
import { cidr } from '../codecs/cidr.ts'
import { parseCIDR } from '../codecs/ip-text.ts'
import { type Open, openObject } from '../codecs/open-object.ts'
import { flag, isRecord, list, oneOf, text, wholeNumber } from '../codecs/primitives.ts'
import { type LeftOver, omit, present, type ResourceRules } from '../documents/resource.ts'
import type { IPPool, IPPoolUse, UnknownFields } from '../model.ts'
import { sentence } from '../report.ts'

const mode = oneOf('Never', 'Always', 'CrossSubnet', '')

const required = { cidr }
const optional = {
  vxlanMode: mode,
  ipipMode: mode,
  natOutgoing: flag,
  disabled: flag,
  disableBGPExport: flag,
  blockSize: wholeNumber(0, 128),
  nodeSelector: text,
  namespaceSelector: text,
  allowedUses: list(text),
  assignmentMode: oneOf('Automatic', 'Manual', ''),
}
const spec = openObject({ required, optional })
type Spec = Open<typeof required, typeof optional>

/** Written when a value is terminating or not allocatable and no one has said since when. */
const unknownSince = '1970-01-01T00:00:00Z'
const notAllocatable = {
  type: 'Allocatable',
  status: 'False',
  reason: 'NotAllocatable',
  message: '',
  lastTransitionTime: unknownSince,
}

const blockSizes = {
  4: { standard: 26, min: 20, max: 32 },
  6: { standard: 122, min: 116, max: 128 },
} as const

const conditionsIn = (status: unknown): ReadonlyArray<UnknownFields> => {
  const conditions = isRecord(status) ? status.conditions : undefined
  return Array.isArray(conditions) ? conditions.filter(isRecord) : []
}

const isAllocatable = (status: unknown): boolean =>
  !conditionsIn(status).some(({ type, status }) => type === 'Allocatable' && status === 'False')

/** What Calico assumes where a pool says nothing. */
const withDefaults = (fields: Spec, blockSize: number): Omit<IPPool, 'name' | 'terminating'> => {
  const uses = fields.allowedUses ?? []
  return {
    cidr: fields.cidr,
    blockSize,
    disabled: fields.disabled ?? false,
    allocatable: true,
    nodeSelector: fields.nodeSelector || 'all()',
    ...present('namespaceSelector', fields.namespaceSelector || undefined),
    allowedUses: uses.length === 0 ? ['Workload', 'Tunnel'] : (uses as ReadonlyArray<IPPoolUse>),
    assignmentMode: fields.assignmentMode || 'Automatic',
    ipipMode: fields.ipipMode || 'Never',
    vxlanMode: fields.vxlanMode || 'Never',
    natOutgoing: fields.natOutgoing ?? false,
    disableBGPExport: fields.disableBGPExport ?? false,
  }
}

/** The placeholders stand for nothing that was read, so they are not carried along. */
const withoutPlaceholders = ({ metadata, spec, status }: LeftOver): LeftOver => ({
  metadata:
    metadata.deletionTimestamp === unknownSince ? omit(metadata, 'deletionTimestamp') : metadata,
  spec,
  status: isPlaceholder(status) ? undefined : status,
})

const isPlaceholder = (status: unknown): boolean => {
  const conditions = conditionsIn(status)
  return conditions.length === 1 && conditions[0]?.lastTransitionTime === unknownSince
}

const withAllocatable = (status: unknown, allocatable: boolean): unknown => {
  if (isAllocatable(status) === allocatable) return status
  const others = conditionsIn(status).filter(({ type }) => type !== 'Allocatable')
  const conditions = allocatable ? others : [...others, notAllocatable]
  return { ...(isRecord(status) ? status : {}), conditions }
}

const withTerminating = (metadata: UnknownFields, terminating: boolean): UnknownFields => {
  if (!terminating) return omit(metadata, 'deletionTimestamp')
  return { deletionTimestamp: unknownSince, ...metadata }
}

export const ipPool: ResourceRules<IPPool, Spec> = {
  kind: 'IPPool',
  spec,
  read: (fields, { name }, leftOver) => {
    const { standard, min, max } = blockSizes[parseCIDR(fields.cidr)?.family ?? 4]
    const blockSize = fields.blockSize || standard
    if (blockSize < min || blockSize > max) {
      return left(sentence('spec.blockSize', `a whole number from ${min} to ${max}`, blockSize))
    }
    const value: IPPool = {
      name,
      ...withDefaults(fields, blockSize),
      terminating: (leftOver.metadata.deletionTimestamp ?? null) !== null,
      allocatable: isAllocatable(leftOver.status),
    }
    return right({ value, leftOver: withoutPlaceholders(leftOver) })
  },
  write: (pool, { metadata, status }) => ({
    metadata: withTerminating(metadata, pool.terminating),
    status: withAllocatable(status, pool.allocatable),
    spec: {
      cidr: pool.cidr,
      vxlanMode: pool.vxlanMode,
      ipipMode: pool.ipipMode,
      ...(pool.natOutgoing ? { natOutgoing: true } : {}),
      ...(pool.disabled ? { disabled: true } : {}),
      ...(pool.disableBGPExport ? { disableBGPExport: true } : {}),
      blockSize: pool.blockSize,
      nodeSelector: pool.nodeSelector,
      ...present('namespaceSelector', pool.namespaceSelector),
      allowedUses: pool.allowedUses,
      assignmentMode: pool.assignmentMode,
    },
  }),
}
