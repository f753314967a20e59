/** One IP address, read in any legal spelling and kept in the canonical one (RFC 5952). */
import type * as t from 'io-ts'
import { formatAddress, parseAddress } from './ip-text.ts'
import { canonicalText } from './primitives.ts'

export const ip: t.Type<string, unknown> = canonicalText('an IP address', (text) => {
  const address = parseAddress(text)
  return address === undefined ? undefined : formatAddress(address)
})
