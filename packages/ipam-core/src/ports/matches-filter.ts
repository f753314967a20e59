import type { Key, List } from './datastore.ts'

const familyOf = (cidr: string): 4 | 6 => (cidr.includes(':') ? 6 : 4)

/** Whether a list answers the object with this key: every field of its filter matches. */
export const matchesFilter = (key: Key, query: List): boolean => {
  if (key.kind !== query.list) return false
  const where: Readonly<Record<string, unknown>> = { ...query.where }
  return Object.entries(where).every(([field, wanted]) => {
    if (wanted === undefined) return true
    if (field === 'family') return 'cidr' in key && familyOf(key.cidr) === wanted
    if (field === 'namePrefix') return 'name' in key && key.name.startsWith(String(wanted))
    return (key as unknown as Readonly<Record<string, unknown>>)[field] === wanted
  })
}
