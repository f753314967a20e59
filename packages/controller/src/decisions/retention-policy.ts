/**
 * Retention as people write it, in an annotation on the StatefulSet. The record of the set repeats it,
 * because the policy must outlive the set. Text that nobody can read keeps the address: a word
 * misspelt must not cost somebody an address.
 */
import type { RetentionPolicy } from './retention.ts'

export const retentionAnnotation = 'retention.fixed.ipam.harmonycloud.cn'
/** On the record: since when the set is gone. */
export const goneSinceAnnotation = 'gone-since.fixed.ipam.harmonycloud.cn'

export type ParsedRetention =
  | { readonly policy: RetentionPolicy }
  /** One sentence for a person. */
  | { readonly problem: string }

const words: ReadonlyMap<string, RetentionPolicy> = new Map([
  ['while-set-exists', { tag: 'WhileSetExists' }],
  ['release-on-scale-down', { tag: 'ReleaseOnScaleDown' }],
  ['forever', { tag: 'Forever' }],
])

const unitsMs: Readonly<Record<string, number>> = {
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
}
const keepForPrefix = 'keep-for='
const keepMsMax = 100 * 365 * 86_400_000

/** `7d`, `36h`, `1h30m`; undefined for anything else. */
const durationMs = (text: string): number | undefined => {
  if (!/^(\d{1,9}[dhms])+$/.test(text)) return undefined
  const parts = [...text.matchAll(/(\d+)([dhms])/g)]
  const ms = parts.reduce(
    (sum, [, count, unit]) => sum + Number(count) * (unitsMs[unit ?? ''] ?? 0),
    0,
  )
  return ms > 0 && ms <= keepMsMax ? ms : undefined
}

/** No annotation is the default. */
export const parseRetention = (text: string | undefined): ParsedRetention => {
  const bare = (text ?? 'while-set-exists').trim()
  const word = words.get(bare)
  if (word !== undefined) return { policy: word }
  const ms = bare.startsWith(keepForPrefix)
    ? durationMs(bare.slice(keepForPrefix.length))
    : undefined
  if (ms !== undefined) return { policy: { tag: 'KeepAfterSet', ms } }
  return {
    problem: `"${bare}" is no retention: write while-set-exists, release-on-scale-down, keep-for=<duration> (such as keep-for=7d or keep-for=1h30m) or forever; until then every address is kept`,
  }
}
