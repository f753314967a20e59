/** Objects of the Kubernetes API, read with what went wrong said in one sentence. */
import { parseJSON } from '@hc-calico/crd-types/json'
import type { KubeClient, KubeResponse } from '@hc-calico/kube-client/lean'
import { type Either, isLeft } from 'fp-ts/lib/Either.js'
import { CNIFailure, cniErrorCode } from './skel/cni-error.ts'

export const unavailable = (sentence: string, cause?: unknown): CNIFailure =>
  new CNIFailure(cniErrorCode.tryAgainLater, sentence, cause === undefined ? {} : { cause })

/** Why the API did not do it. */
export const refusalOf = (
  response: Pick<KubeResponse, 'status' | 'text'>,
  verb: string,
  what: string,
): string => {
  const [kind = ''] = what.split(' ')
  if (response.status === 403) {
    return `the role of the plugin needs the permission to ${verb} ${kind}s`
  }
  if (response.status === 401) return 'the credentials of the plugin are not accepted'
  return `the Kubernetes API answered with HTTP status ${response.status}`
}

type Decode<A> = (object: unknown) => Either<string, A>

/** One object; undefined when there is none. Rejects with CNIFailure code 11. */
export const fetchOptional = async <A>(
  client: KubeClient,
  path: string,
  what: string,
  decode: Decode<A>,
): Promise<A | undefined> => {
  const response = await client.request({ method: 'GET', path }).catch((cause: Error) => {
    throw unavailable(`failed to get ${what}: ${cause.message}`, cause)
  })
  if (response.status === 404) return undefined
  if (response.status !== 200) {
    throw unavailable(`failed to get ${what}: ${refusalOf(response, 'get', what)}`)
  }
  const decoded = decode(parseJSON(response.text))
  if (isLeft(decoded)) throw unavailable(`failed to read ${what}: ${decoded.left}`)
  return decoded.right
}

/** The same, for what has to be there. */
export const fetchObject = async <A>(
  client: KubeClient,
  path: string,
  what: string,
  decode: Decode<A>,
): Promise<A> => {
  const found = await fetchOptional(client, path, what, decode)
  if (found !== undefined) return found
  throw unavailable(`failed to get ${what}: there is none of this name`)
}
