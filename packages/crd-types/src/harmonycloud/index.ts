/** Objects of the group harmonycloud.cn. */
export type {
  Condition,
  ServiceIPPool,
  ServiceIPPoolStatus,
  ServicePoolMember,
} from './model.ts'
export { serviceIPPoolDocument } from './service-ip-pool.ts'
