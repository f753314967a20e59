/**
 * Readers for people and tools: a JSON text or a parsed object in, a plain value out, or an error
 * whose message is one sentence. Which form it has is read from `apiVersion`; both of Calico's API
 * groups are understood, and Kubernetes' own Node. (The flat etcd documents have no name of their
 * own: see the entry `./etcd`.)
 */
import type { Either } from 'fp-ts/lib/Either.js'
import { isRecord } from './codecs/primitives.ts'
import { decodeNode } from './core/node.ts'
import { resource } from './documents/resource.ts'
import type { ServiceIPPool } from './harmonycloud/model.ts'
import { serviceIPPoolDocument } from './harmonycloud/service-ip-pool.ts'
import { InvalidJSON, parseJSON } from './json.ts'
import type {
  Block,
  BlockAffinity,
  CalicoNode,
  ClusterInformation,
  Handle,
  IPAMConfig,
  IPPool,
  IPReservation,
  PlainTypes,
  Profile,
  WorkloadEndpoint,
} from './model.ts'
import { sentence } from './report.ts'
import { v1Documents } from './v1/index.ts'
import { v3Documents } from './v3/index.ts'
import { node } from './v3/node.ts'
import { profile } from './v3/profile.ts'
import { workloadEndpoint } from './v3/workload-endpoint.ts'

/** A document is not what it should be; the message says where and why. */
export class InvalidDocument extends Error {
  override readonly name = 'InvalidDocument'
}

/** Every kind these readers know, with its plain type. */
export interface DocumentTypes extends PlainTypes {
  readonly ServiceIPPool: ServiceIPPool
}

export type DocumentKind = keyof DocumentTypes

/** A value together with the name of its kind. */
export type KindAndValue = {
  [K in DocumentKind]: { readonly kind: K; readonly value: DocumentTypes[K] }
}[DocumentKind]

type Reader = (object: unknown) => Either<string, DocumentTypes[DocumentKind]>

const v3 = 'projectcalico.org/v3'

/** `apiVersion/kind` as it stands in a document -> our kind and its reader. */
const readers: ReadonlyMap<string, readonly [DocumentKind, Reader]> = new Map([
  ...[...Object.entries(v1Documents), ...Object.entries(v3Documents)].map(
    ([kind, { apiVersion, kind: wireKind, decode }]) =>
      [`${apiVersion}/${wireKind}`, [kind as DocumentKind, decode]] as const,
  ),
  [`${v3}/Node`, ['Node', (object) => resource(node, v3).decode(object)]],
  ['v1/Node', ['Node', decodeNode]],
  [`${v3}/Profile`, ['Profile', (object) => resource(profile, v3).decode(object)]],
  [
    `${v3}/WorkloadEndpoint`,
    ['WorkloadEndpoint', (object) => resource(workloadEndpoint, v3).decode(object)],
  ],
  [
    `${serviceIPPoolDocument.apiVersion}/${serviceIPPoolDocument.kind}`,
    ['ServiceIPPool', serviceIPPoolDocument.decode],
  ],
])

const parsed = (json: unknown): unknown => {
  if (typeof json !== 'string') return json
  try {
    return parseJSON(json)
  } catch (cause) {
    if (cause instanceof InvalidJSON) throw new InvalidDocument(cause.message, { cause })
    throw cause
  }
}

/**
 * Reads a document of any kind, as JSON text or already parsed by parseJSON. Throws
 * InvalidDocument.
 */
export const decodeDocument = (json: unknown): KindAndValue => {
  const object = parsed(json)
  if (!isRecord(object)) throw new InvalidDocument(sentence('', 'an object', object))
  const { apiVersion, kind } = object
  const [known, read] = readers.get(`${String(apiVersion)}/${String(kind)}`) ?? []
  if (known === undefined || read === undefined) {
    throw new InvalidDocument(`unknown kind ${String(kind)} of apiVersion ${String(apiVersion)}`)
  }
  const decoded = read(object)
  if (decoded._tag === 'Left') throw new InvalidDocument(`${String(kind)}: ${decoded.left}`)
  return { kind: known, value: decoded.right } as KindAndValue
}

const decoder =
  <K extends DocumentKind>(wanted: K) =>
  (json: unknown): DocumentTypes[K] => {
    const { kind, value } = decodeDocument(json)
    if (kind !== wanted) throw new InvalidDocument(`kind: expected ${wanted}, got ${kind}`)
    return value as DocumentTypes[K]
  }

export const decodeIPPool: (json: unknown) => IPPool = decoder('IPPool')
export const decodeIPReservation: (json: unknown) => IPReservation = decoder('IPReservation')
export const decodeIPAMConfig: (json: unknown) => IPAMConfig = decoder('IPAMConfig')
export const decodeBlock: (json: unknown) => Block = decoder('Block')
export const decodeBlockAffinity: (json: unknown) => BlockAffinity = decoder('BlockAffinity')
export const decodeHandle: (json: unknown) => Handle = decoder('Handle')
export const decodeCalicoNode: (json: unknown) => CalicoNode = decoder('Node')
export const decodeProfile: (json: unknown) => Profile = decoder('Profile')
export const decodeServiceIPPool: (json: unknown) => ServiceIPPool = decoder('ServiceIPPool')
export const decodeClusterInformation: (json: unknown) => ClusterInformation =
  decoder('ClusterInformation')
export const decodeWorkloadEndpoint: (json: unknown) => WorkloadEndpoint =
  decoder('WorkloadEndpoint')
