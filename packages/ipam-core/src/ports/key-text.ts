import type { Key, Query } from './datastore.ts'

/** One text per object, the same whatever the property order of the key. For maps and messages. */
export const keyText = (key: Key): string => {
  switch (key.kind) {
    case 'Block':
      return `Block(${key.cidr})`
    case 'BlockAffinity':
      return `BlockAffinity(${key.type}:${key.host}, ${key.cidr})`
    case 'Handle':
      return `Handle(${key.id})`
    case 'WorkloadEndpoint':
      return `WorkloadEndpoint(${key.namespace}/${key.name})`
    case 'IPAMConfig':
    case 'ClusterInformation':
      return key.kind
    default:
      return `${key.kind}(${key.name})`
  }
}

/** One text per query; two queries with equal text have equal answers in one snapshot. */
export const queryText = (query: Query): string => {
  if ('get' in query) return keyText(query.get)
  const filter = Object.entries(query.where ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  return `list ${query.list} ${JSON.stringify(filter)}`
}
