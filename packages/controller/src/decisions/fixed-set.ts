/**
 * Which ordinals a set wants: a StatefulSet of Kubernetes, or of another group such as OpenKruise's,
 * which can leave ordinals out.
 */
export const fixedAnnotation = 'fixed.ipam.harmonycloud.cn'
export const freezeAnnotation = 'freeze.fixed.ipam.harmonycloud.cn'

export interface SetSize {
  readonly replicas: number
  /** `spec.ordinals.start`. */
  readonly firstOrdinal: number
  /** Ordinals that are left out; undefined where nobody can read which: then every one is wanted. */
  readonly reserved: ReadonlySet<number> | undefined
}

/** What says that an ordinal is left out is believed up to here; more is taken for a mistake. */
const reservedMax = 100_000

/** `3`, `"3"` or `"3-7"`. */
const ordinalsOf = (entry: unknown): ReadonlyArray<number> | undefined => {
  const range = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(String(entry))
  if (range === null) return undefined
  const first = Number(range[1])
  const last = Number(range[2] ?? range[1])
  if (last < first || last - first >= reservedMax) return undefined
  return Array.from({ length: last - first + 1 }, (_, at) => first + at)
}

/** Kruise's `spec.reserveOrdinals`. */
export const reservedOrdinals = (value: unknown): ReadonlySet<number> | undefined => {
  if (value === undefined || value === null) return new Set()
  if (!Array.isArray(value)) return undefined
  const lists = value.map(ordinalsOf)
  return lists.includes(undefined) ? undefined : new Set(lists.flatMap((list) => list ?? []))
}

/** Whether the set, at its size of now, has a pod of this ordinal. */
export const wantsOrdinal = (
  { replicas, firstOrdinal, reserved }: SetSize,
  ordinal: number,
): boolean => {
  if (reserved === undefined) return true
  if (ordinal < firstOrdinal || reserved.has(ordinal)) return false
  // A reserved ordinal below this one moves the end of the set up by one.
  const skipped = [...reserved].filter((one) => one >= firstOrdinal && one < ordinal).length
  return ordinal - firstOrdinal - skipped < replicas
}

/** The ordinals that the set has pods of, at most `max`. */
export const wantedOrdinals = (size: SetSize, max: number): ReadonlyArray<number> => {
  const { replicas, firstOrdinal, reserved = new Set() } = size
  const wanted: number[] = []
  for (let at = firstOrdinal; wanted.length < Math.min(replicas, max); at += 1) {
    if (!reserved.has(at)) wanted.push(at)
  }
  return wanted
}
