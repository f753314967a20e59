/**
 * An object's place in the table: its kind, and the fields of its key joined by single spaces,
 * which no name, host, handle or CIDR may contain; a lone field is stored as it is.
 */
import { DatastoreFailure, datastoreError, type Key, type Kind } from '@hc-calico/ipam-core/ports'

const fields: { readonly [K in Kind]: ReadonlyArray<string> } = {
  IPPool: ['name'],
  IPReservation: ['name'],
  IPAMConfig: [],
  Block: ['cidr'],
  BlockAffinity: ['type', 'host', 'cidr'],
  Handle: ['id'],
  Node: ['name'],
  ClusterInformation: [],
  WorkloadEndpoint: ['namespace', 'name'],
  Profile: ['name'],
}

/** The text of a key. Throws DatastoreFailure (Malformed) for a field that cannot be stored. */
export const storedKey = (key: Key): string => {
  const record = key as unknown as Readonly<Record<string, unknown>>
  const parts = fields[key.kind].map((field) => String(record[field]))
  const isAmbiguous = parts.length > 1 && parts.some((part) => part === '' || part.includes(' '))
  if (isAmbiguous) {
    throw new DatastoreFailure(
      datastoreError(
        'Malformed',
        `${key.kind} key has an empty field or a space: ${parts.join(', ')}`,
        {
          key,
        },
      ),
    )
  }
  return parts.join(' ')
}

/** The key of a stored row. */
export const keyOfRow = <K extends Kind>(kind: K, text: string): Key<K> => {
  const names = fields[kind]
  const parts = names.length > 1 ? text.split(' ') : [text]
  const entries = names.map((name, i) => [name, parts[i]] as const)
  return { kind, ...Object.fromEntries(entries) } as unknown as Key<K>
}
