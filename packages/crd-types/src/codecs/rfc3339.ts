/**
 * Timestamps stay the text they were, so that a rewrite changes no byte; they are only checked to
 * be RFC 3339 and a real date. What we write ourselves is UTC with whole seconds, as Calico's.
 */
import type * as t from 'io-ts'
import { canonicalText } from './primitives.ts'

const shape = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/

export const rfc3339: t.Type<string, unknown> = canonicalText('an RFC 3339 time', (value) =>
  shape.test(value) && !Number.isNaN(Date.parse(value)) ? value : undefined,
)
