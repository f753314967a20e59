/** What a table of documents offers per kind, and the key fields that are not in the value. */
import type { Either } from 'fp-ts/lib/Either.js'
import type { AffinityType, PlainKind, PlainTypes, UnknownFields } from '../model.ts'

/** Key fields of each kind, as in the datastore port of @hc-calico/ipam-core. */
export interface DocumentKeys {
  readonly IPPool: { readonly name: string }
  readonly IPReservation: { readonly name: string }
  readonly IPAMConfig: unknown
  readonly Block: { readonly cidr: string }
  readonly BlockAffinity: {
    readonly type: AffinityType
    readonly host: string
    readonly cidr: string
  }
  readonly Handle: { readonly id: string }
  readonly Node: { readonly name: string }
  readonly ClusterInformation: unknown
  readonly WorkloadEndpoint: { readonly namespace: string; readonly name: string }
  readonly Profile: { readonly name: string }
}

/** One kind in Calico's etcd form. The key wins over a name inside the document. */
export interface EtcdDocument<Value, Key> {
  /** `document` is what parseJSON gave; undefined stands for a value of no bytes. */
  readonly decode: (document: unknown, key: Key) => Either<string, Value>
  /** A JSON value for stringifyJSON, its fields in the order Calico writes them. */
  readonly encode: (value: Value) => UnknownFields
}

export interface APITarget {
  /** Resource name; how it follows from the key is the adapter's business. */
  readonly name: string
  /**
   * Given: the object is written over the version that was read, with all its metadata. Left out:
   * it is created, so what only a server sets (uid, managedFields, ...) is not sent.
   */
  readonly resourceVersion?: string
}

/** One kind as a Kubernetes object `{ apiVersion, kind, metadata, spec }`. */
export interface APIDocument<Value> {
  readonly apiVersion: string
  /** The kind's name in that API group. */
  readonly kind: string
  readonly decode: (object: unknown) => Either<string, Value>
  readonly encode: (value: Value, target: APITarget) => UnknownFields
}

/** The kinds Calico stores as custom resources; nodes, pods and profiles are other objects there. */
export type APIKind = Exclude<PlainKind, 'Node' | 'WorkloadEndpoint' | 'Profile'>

export type EtcdDocuments = {
  readonly [K in PlainKind]: EtcdDocument<PlainTypes[K], DocumentKeys[K]>
}
export type APIDocuments = { readonly [K in APIKind]: APIDocument<PlainTypes[K]> }
