/**
 * Entry `@hc-calico/ipam-core/ip`: addresses and CIDRs, with the parsers for what people type.
 * Loads ip6addr; code on a plugin's start-up path imports the files it needs instead.
 */
export {
  bitsOf,
  formatIPAddress,
  type IPAddress,
  type IPFamily,
  type IPFault,
  parseIPAddress,
  sameIPAddress,
  trustedIPAddress,
} from './address.ts'
export {
  type AddressRange,
  cidrsOfRange,
  parseAddressRange,
  planRanges,
  type RangePlan,
  type RangeRequest,
} from './address-range.ts'
export {
  canonicalCIDRText,
  parseAnyCIDR,
  parseAnyCIDRMasked,
  parseAnyIPAddress,
} from './any-spelling.ts'
export {
  addressCount,
  blockCount,
  blockOf,
  type CIDR,
  containsAddress,
  containsCIDR,
  formatCIDR,
  lastValue,
  maskedCIDR,
  nthBlock,
  overlaps,
  parseAddressWithPrefix,
  parseCIDR,
  parseCIDRMasked,
  sameCIDR,
  trustedCIDR,
} from './cidr.ts'
export {
  type CIDRSet,
  cidrSet,
  emptyCIDRSet,
  lastCovered,
  setContains,
  setCountIn,
  setCovers,
  setIntersects,
} from './cidr-set.ts'
export { addressAt, addressInBlock, blockAddresses, ordinalOf } from './ordinal.ts'
