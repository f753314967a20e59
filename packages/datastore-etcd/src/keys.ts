/**
 * Calico's etcd keys. Everything is below /calico/; the `/` of a CIDR becomes `-`, and nothing else
 * changes: dots, colons and the case of handles are kept. Keys below the same prefixes that do not
 * have the right form (such as the marker of a host itself) are somebody else's and skipped.
 */
import {
  DatastoreFailure,
  datastoreError,
  type Key,
  type Kind,
  keyText,
  type List,
} from '@hc-calico/ipam-core/ports'
import type { KeyRange } from './transport.ts'

const ipam = '/calico/ipam/v2'
const resources = '/calico/resources/v3/projectcalico.org'

const plurals = {
  IPPool: 'ippools',
  IPReservation: 'ipreservations',
  Node: 'nodes',
  Profile: 'profiles',
  ClusterInformation: 'clusterinformations',
  WorkloadEndpoint: 'workloadendpoints',
} as const

const familyOf = (cidr: string): 4 | 6 => (cidr.includes(':') ? 6 : 4)
const cidrPart = (cidr: string): string => cidr.replace('/', '-')

/** The CIDR of a key's last part: the last `-` is the slash. */
const cidrOf = (part: string): string | undefined => {
  const match = /^([0-9a-f:.]+)-(\d{1,3})$/.exec(part)
  return match === null ? undefined : `${match[1]}/${match[2]}`
}

/** The key of an object, without looking at whether its parts may stand in a key. */
const path = (key: Key): string => {
  switch (key.kind) {
    case 'Block':
      return `${ipam}/assignment/ipv${familyOf(key.cidr)}/block/${cidrPart(key.cidr)}`
    case 'BlockAffinity':
      return `${ipam}/${key.type}/${key.host}/ipv${familyOf(key.cidr)}/block/${cidrPart(key.cidr)}`
    case 'Handle':
      return `${ipam}/handle/${key.id}`
    case 'IPAMConfig':
      return `${ipam}/config`
    case 'ClusterInformation':
      return `${resources}/${plurals.ClusterInformation}/default`
    case 'WorkloadEndpoint':
      return `${resources}/${plurals.WorkloadEndpoint}/${key.namespace}/${key.name}`
    default:
      return `${resources}/${plurals[key.kind]}/${key.name}`
  }
}

/** Names become parts of a path: an empty one, or one with a slash, would name another object. */
const namesOf = (key: Key): ReadonlyArray<string> => {
  switch (key.kind) {
    case 'Block':
    case 'IPAMConfig':
    case 'ClusterInformation':
      return []
    case 'BlockAffinity':
      return [key.host]
    case 'Handle':
      return [key.id]
    case 'WorkloadEndpoint':
      return [key.namespace, key.name]
    default:
      return [key.name]
  }
}

/** The etcd key of an object. Throws DatastoreFailure (Malformed) for a name no key can hold. */
export const etcdKey = (key: Key): string => {
  const bad = namesOf(key).find((name) => name === '' || name.includes('/'))
  if (bad === undefined) return path(key)
  const message = `${keyText(key)} cannot be stored: "${bad}" is empty or has a slash`
  throw new DatastoreFailure(datastoreError('Malformed', message, { key }))
}

const parseBlock = (text: string): Key | undefined => {
  const [, family, part = ''] = /^\/assignment\/ipv([46])\/block\/([^/]+)$/.exec(text) ?? []
  const cidr = cidrOf(part)
  return cidr && `${familyOf(cidr)}` === family ? { kind: 'Block', cidr } : undefined
}

const parseAffinity = (text: string): Key | undefined => {
  const pattern = /^\/(host|virtual)\/([^/]+)\/ipv([46])\/block\/([^/]+)$/
  const [, type, host, family, part = ''] = pattern.exec(text) ?? []
  const cidr = cidrOf(part)
  if (host === undefined || cidr === undefined || `${familyOf(cidr)}` !== family) return undefined
  return { kind: 'BlockAffinity', type: type as 'host' | 'virtual', host, cidr }
}

const parseResource = (kind: keyof typeof plurals, text: string): Key | undefined => {
  const [namespace, name, ...more] = text.split('/')
  if (namespace === undefined || namespace === '' || more.length > 0) return undefined
  if (kind === 'WorkloadEndpoint') {
    return name === undefined || name === '' ? undefined : { kind, namespace, name }
  }
  if (name !== undefined) return undefined
  if (kind === 'ClusterInformation') return namespace === 'default' ? { kind } : undefined
  return { kind, name: namespace }
}

/** The object that an etcd key of a kind's prefix names; undefined for keys of another form. */
export const parseEtcdKey = (kind: Kind, text: string): Key | undefined => {
  switch (kind) {
    case 'Block':
      return parseBlock(text.slice(ipam.length))
    case 'BlockAffinity':
      return parseAffinity(text.slice(ipam.length))
    case 'Handle': {
      const id = text.slice(`${ipam}/handle/`.length)
      return id === '' || id.includes('/') ? undefined : { kind, id }
    }
    case 'IPAMConfig':
      return text === `${ipam}/config` ? { kind } : undefined
    default:
      return parseResource(kind, text.slice(`${resources}/${plurals[kind]}/`.length))
  }
}

/** Every key that begins with the prefix, whose last character is not the highest there is. */
const below = (prefix: string): KeyRange => ({
  key: prefix,
  end: prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1),
})

/**
 * Affinities without a type: everything from host/ to the end of virtual/. Nothing of Calico's lies
 * between the two, and what does is skipped by its form.
 */
const affinityRange = ({
  type,
  host,
  family,
}: Extract<List, { list: 'BlockAffinity' }>['where'] & object): KeyRange => {
  if (type === undefined) {
    return { key: `${ipam}/host/`, end: below(`${ipam}/virtual/`).end as string }
  }
  if (host === undefined) return below(`${ipam}/${type}/`)
  const blocks = family === undefined ? '' : `ipv${family}/block/`
  return below(`${ipam}/${type}/${host}/${blocks}`)
}

/** The narrowest range that holds every match of a list; the filter does the rest. */
export const listRange = (query: List): KeyRange => {
  switch (query.list) {
    case 'Block': {
      const family = query.where?.family
      return below(`${ipam}/assignment/${family === undefined ? '' : `ipv${family}/block/`}`)
    }
    case 'BlockAffinity':
      return affinityRange(query.where ?? {})
    case 'Handle':
      return below(`${ipam}/handle/`)
    case 'IPAMConfig':
      return { key: `${ipam}/config` }
    case 'WorkloadEndpoint': {
      const { namespace, namePrefix = '' } = query.where ?? {}
      const rest = namespace === undefined ? '' : `${namespace}/${namePrefix}`
      return below(`${resources}/${plurals.WorkloadEndpoint}/${rest}`)
    }
    default:
      return below(`${resources}/${plurals[query.list]}/`)
  }
}
