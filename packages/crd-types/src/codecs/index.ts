/** The io-ts codecs documents are built from, for those who compose their own. */

export { decodeWith, report } from '../report.ts'
export { allocationIndexes, attributes, ordinals, sequenceNumbers } from './allocation.ts'
export { cidr } from './cidr.ts'
export { ip } from './ip.ts'
export { type Open, openObject, type Shape } from './open-object.ts'
export {
  anyObject,
  anything,
  flag,
  list,
  map,
  nonEmptyText,
  oneOf,
  stringMap,
  text,
  wholeNumber,
} from './primitives.ts'
export { rfc3339 } from './rfc3339.ts'
export { uint64 } from './uint64.ts'
