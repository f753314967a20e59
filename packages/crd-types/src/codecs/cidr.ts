/** One CIDR, kept in canonical spelling with its host bits zero, as Calico's keys and names need. */
import type * as t from 'io-ts'
import { parseCIDR } from './ip-text.ts'
import { canonicalText } from './primitives.ts'

export const canonicalCIDR = (text: string): string | undefined => parseCIDR(text)?.text

export const cidr: t.Type<string, unknown> = canonicalText('a CIDR', canonicalCIDR)
