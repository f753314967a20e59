/** A deep copy of plain data: records, arrays, text, numbers, bigints, booleans, null. */
export const copyValue = <T>(value: T): T => {
  if (Array.isArray(value)) return value.map(copyValue) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, copyValue(v)])) as T
}
