/**
 * Answers of the API server, and the lack of one, as errors of the port. Texts are the server's own
 * where it has good ones; a missing permission and a missing definition are named in full, because
 * they are what an operator has to repair.
 */

import {
  type DatastoreError,
  type DatastoreErrorTag,
  DatastoreFailure,
  datastoreError,
  type Key,
} from '@hc-calico/ipam-core/ports'
import type { KubeRequest, KubeResponse } from '@hc-calico/kube-client/lean'
import { KubeConfigError, KubeRefused, KubeUnreachable } from '@hc-calico/kube-client/lean'

/** The `Status` object of a refusal, as far as it is used. */
export interface Status {
  readonly reason?: string
  readonly message?: string
  readonly details?: { readonly name?: string; readonly group?: string; readonly kind?: string }
}

export const statusIn = ({ text }: KubeResponse): Status => {
  try {
    const parsed = JSON.parse(text) as Status | null
    return typeof parsed === 'object' && parsed !== null ? parsed : {}
  } catch {
    return { message: text.trim().slice(0, 200) }
  }
}

/** Answered 404 because nothing is served there, not because an object is missing. */
export const isUnserved = (response: KubeResponse): boolean =>
  response.status === 404 && statusIn(response).details?.name === undefined

const tagOf = (status: number, isWrite: boolean): DatastoreErrorTag => {
  if (status === 401 || status === 403) return 'Unauthorized'
  if (status === 404) return 'NotFound'
  if (status === 409) return 'Conflict'
  if (status === 429) return 'Unavailable'
  // The server may have stored it before it failed.
  if (status >= 500) return isWrite ? 'OutcomeUnknown' : 'Unavailable'
  return 'Malformed'
}

const verbs: Readonly<Record<string, string>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

/** `get ipamblocks.crd.projectcalico.org`: what a role must allow. */
const permissionOf = ({ method, path }: KubeRequest): string => {
  const [bare = '', query = ''] = path.split('?')
  const parts = bare.split('/').filter((part) => part !== '')
  const isCore = parts[0] === 'api'
  const rest = parts.slice(isCore ? 2 : 3)
  const namespaced = rest[0] === 'namespaces' && rest.length > 2
  const [plural = '', name, subresource] = namespaced ? rest.slice(2) : rest
  const group = isCore ? '' : `.${parts[1]}`
  const reading = query.includes('watch=') ? 'watch' : name === undefined ? 'list' : 'get'
  const resource = subresource === undefined ? plural : `${plural}/${subresource}`
  return `${verbs[method] ?? reading} ${resource}${group}`
}

const refusalMessage = (request: KubeRequest, response: KubeResponse): string => {
  const { message, reason } = statusIn(response)
  const said = message ?? reason ?? `HTTP status ${response.status}`
  const doing = `Kubernetes: ${request.method} ${request.path.split('?')[0]}`
  if (response.status === 403) {
    return `${doing} is forbidden; the role needs the permission to ${permissionOf(request)}: ${said}`
  }
  if (response.status === 401) return `${doing}: the credentials are not accepted: ${said}`
  return `${doing}: ${said}`
}

export const missingCRD = (crd: string): DatastoreError =>
  datastoreError(
    'Unsupported',
    `the API server does not serve ${crd}: apply the CustomResourceDefinitions first`,
  )

/** A refusal as an error. */
export const refusal = (request: KubeRequest, response: KubeResponse, key?: Key): DatastoreError =>
  datastoreError(
    tagOf(response.status, request.method !== 'GET'),
    refusalMessage(request, response),
    {
      ...(key === undefined ? {} : { key }),
      ...(response.retryAfterMs === undefined ? {} : { retryAfterMs: response.retryAfterMs }),
    },
  )

/** Translates whatever was thrown while reading or writing. */
export const toDatastoreError = (cause: unknown, isWrite: boolean): DatastoreError => {
  if (cause instanceof DatastoreFailure) return cause.error
  if (cause instanceof KubeConfigError)
    return datastoreError('Unauthorized', cause.message, { cause })
  if (cause instanceof KubeRefused) {
    return refusal({ method: 'GET', path: '?watch=1' }, cause.response)
  }
  const message = cause instanceof Error ? cause.message : String(cause)
  const isUnknown = isWrite && !(cause instanceof KubeUnreachable && !cause.maybeApplied)
  return datastoreError(isUnknown ? 'OutcomeUnknown' : 'Unavailable', message, { cause })
}
