/** Documents Calico's IPAM stores, as plain types with readers that say what is wrong. */
export { InvalidJSON, parseJSON, type StringifyOptions, stringifyJSON } from './json.ts'
