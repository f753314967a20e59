/**
 * One conditional write. A delete is one step, with uid and resourceVersion as preconditions, unlike
 * upstream's mark and removal: the server has checked both since long. A failed condition brings the
 * object as it is now.
 */
import {
  type CallOptions,
  DatastoreFailure,
  datastoreError,
  type Key,
  type KeyValue,
  keyText,
  type Revision,
  type Write,
} from '@hc-calico/ipam-core/ports'
import type { KubeRequest, KubeResponse } from '@hc-calico/kube-client/lean'
import { type API, type JSONObject, objectVersion } from './api.ts'
import { endpointRequest, revisionAfter } from './endpoints.ts'
import { refusal } from './errors.ts'
import { type CustomKind, resourceName } from './names.ts'
import { getOne } from './read.ts'
import { type ObjectVersion, revisionOf, versionOf } from './revisions.ts'
import { preconditions } from './tombstones.ts'
import { bodyOf, requireNothingPruned } from './values.ts'

export type WriteOutcome =
  | { readonly tag: 'Written'; readonly revision: Revision | undefined }
  /** The condition did not hold. */
  | {
      readonly tag: 'Refused'
      readonly because: 'AlreadyExists' | 'NotFound' | 'Conflict'
      readonly found: KeyValue | undefined
    }

const seenVersion = (write: Extract<Write, { revision: Revision }>): ObjectVersion => {
  const version = versionOf(write.revision)
  if (version !== undefined) return version
  const message = `cannot ${write.op} ${keyText(write.key)}: "${write.revision}" is not a revision of the Kubernetes API`
  throw new DatastoreFailure(datastoreError('Malformed', message, { key: write.key }))
}

/** Why a write on its condition was refused, from what is there now. */
const refusedBy = (
  write: Write,
  found: KeyValue | undefined,
): 'AlreadyExists' | 'NotFound' | 'Conflict' => {
  if (write.op === 'create') return 'AlreadyExists'
  return found === undefined ? 'NotFound' : 'Conflict'
}

const refused = async (api: API, write: Write, options: CallOptions): Promise<WriteOutcome> => {
  const found = await getOne(api, write.key as Key, options)
  return { tag: 'Refused', because: refusedBy(write, found), found }
}

const throwUnless = (
  isExpected: boolean,
  request: KubeRequest,
  response: KubeResponse,
  key: Key,
): void => {
  if (!isExpected) throw new DatastoreFailure(refusal(request, response, key))
}

type CustomWrite = Write<CustomKind>

const create = async (
  api: API,
  write: Extract<CustomWrite, { op: 'create' }>,
  options: CallOptions,
): Promise<WriteOutcome> => {
  const { key, value } = write
  let sent: JSONObject = {}
  const attempt = () =>
    api.sendTo(key.kind, (type) => {
      const { object, text } = bodyOf(key, value, type)
      sent = object
      return { method: 'POST', path: type.path, body: text, ...options }
    })
  let { request, response, type } = await attempt()
  if (response.status === 409) {
    const outcome = await refused(api, write, options)
    // What was in the way was marked as deleted, and reading it has removed it.
    if (outcome.tag === 'Refused' && outcome.found !== undefined) return outcome
    ;({ request, response, type } = await attempt())
    if (response.status === 409) return refused(api, write, options)
  }
  throwUnless(response.status === 201, request, response, key)
  const stored = api.parse(request, response)
  requireNothingPruned(key, type.crd, sent, stored)
  return { tag: 'Written', revision: revisionOf(objectVersion(stored)) }
}

const isCondition = (status: number): boolean => status === 404 || status === 409

const update = async (
  api: API,
  write: Extract<CustomWrite, { op: 'update' }>,
  options: CallOptions,
): Promise<WriteOutcome> => {
  const { key, value } = write
  const { resourceVersion } = seenVersion(write as never)
  let sent: JSONObject = {}
  const { request, response, type } = await api.sendTo(key.kind, (one) => {
    const { object, text } = bodyOf(key, value, one, resourceVersion)
    sent = object
    const path = `${one.path}/${encodeURIComponent(resourceName(key))}`
    return { method: 'PUT', path, body: text, ...options }
  })
  if (isCondition(response.status)) return refused(api, write as Write, options)
  throwUnless(response.status === 200, request, response, key)
  const stored = api.parse(request, response)
  requireNothingPruned(key, type.crd, sent, stored)
  return { tag: 'Written', revision: revisionOf(objectVersion(stored)) }
}

const remove = async (
  api: API,
  write: Extract<CustomWrite, { op: 'delete' }>,
  options: CallOptions,
): Promise<WriteOutcome> => {
  const { key } = write
  const body = preconditions(seenVersion(write as never))
  const { request, response } = await api.sendTo(key.kind, (type) => ({
    method: 'DELETE',
    path: `${type.path}/${encodeURIComponent(resourceName(key))}`,
    body,
    ...options,
  }))
  if (isCondition(response.status)) return refused(api, write as Write, options)
  throwUnless(response.status === 200 || response.status === 202, request, response, key)
  return { tag: 'Written', revision: undefined }
}

/** A test of a JSON patch that does not hold is answered 422; a patch that cannot be applied too. */
const isFailedTest = (status: number): boolean => status === 422 || isCondition(status)

const writeEndpoint = async (
  api: API,
  write: Write<'WorkloadEndpoint'>,
  options: CallOptions,
): Promise<WriteOutcome> => {
  const request = endpointRequest(write, options)
  if (request === undefined) {
    const outcome = await refused(api, write as Write, options)
    return outcome.tag === 'Refused' && outcome.found === undefined
      ? { ...outcome, because: 'NotFound' }
      : outcome
  }
  const response = await api.send(request)
  if (isFailedTest(response.status)) return refused(api, write as Write, options)
  throwUnless(response.status === 200, request, response, write.key)
  const revision = write.op === 'delete' ? undefined : revisionAfter(api.parse(request, response))
  return { tag: 'Written', revision }
}

const readOnlyKinds: Readonly<Record<string, string>> = {
  Node: 'nodes are written by the kubelet',
  Profile: 'profiles follow from namespaces and service accounts',
}

/** Performs one write. Rejects with DatastoreFailure or the client's errors. */
export const performWrite = (
  api: API,
  write: Write,
  options: CallOptions,
): Promise<WriteOutcome> => {
  const why = readOnlyKinds[write.key.kind]
  if (why !== undefined) {
    const message = `cannot ${write.op} ${keyText(write.key)} on the Kubernetes API: ${why}`
    throw new DatastoreFailure(datastoreError('Unsupported', message, { key: write.key }))
  }
  if (write.key.kind === 'WorkloadEndpoint') return writeEndpoint(api, write as never, options)
  if (write.op === 'create') return create(api, write as never, options)
  return write.op === 'update'
    ? update(api, write as never, options)
    : remove(api, write as never, options)
}
