/** Objects of the group harmonycloud.cn. */
export {
  type FixedAddresses,
  type FixedIPRecord,
  fixedIPRecordKeys,
  fixedIPRecordLabels,
  fixedIPRecordMetadata,
  fixedIPRecordName,
  fixedIPRecordVersion,
  mayHoldLeftovers,
  type OddEntry,
  readFixedIPRecord,
} from './fixed-ip-record.ts'
export type {
  Condition,
  ServiceIPPool,
  ServiceIPPoolStatus,
  ServicePoolMember,
} from './model.ts'
export { serviceIPPoolDocument } from './service-ip-pool.ts'
