/**
 * Whether a text is an IP address or a CIDR, by the runtime's own check: no leading zeros, no zone,
 * no short forms. Only the shape; canonical text and arithmetic are the core's.
 */
import { isIP } from 'node:net'

/** No dotted tail either (`::ffff:10.0.0.1`): nobody agrees on which family such a text is. */
export const isAddressText = (text: string): boolean => {
  const family = isIP(text)
  return family === 4 || (family === 6 && !/[%.]/.test(text))
}

export const familyOfText = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4)

export const isCIDRText = (text: string): boolean => {
  const [address = '', prefix = '', ...rest] = text.split('/')
  if (rest.length > 0 || !isAddressText(address) || !/^(0|[1-9]\d{0,2})$/.test(prefix)) return false
  return Number(prefix) <= (familyOfText(address) === 4 ? 32 : 128)
}
