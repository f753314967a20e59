/** The Kubernetes API over a map of objects by path: get, create, JSON merge patch. */
import type { KubeRequest, KubeResponse } from '@hc-calico/kube-client/lean'

type Stored = Map<string, object | number>

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** RFC 7396. */
export const mergePatched = (target: unknown, patch: unknown): unknown => {
  if (!isObject(patch)) return patch
  const merged: Record<string, unknown> = isObject(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key]
    else merged[key] = mergePatched(merged[key], value)
  }
  return merged
}

const answered = (status: number, object: object = {}): KubeResponse => ({
  status,
  text: JSON.stringify(object),
})

const created = (stored: Stored, path: string, body: object): KubeResponse => {
  const { name } = (body as { metadata: { name: string } }).metadata
  if (stored.has(`${path}/${name}`)) return answered(409)
  stored.set(`${path}/${name}`, body)
  return answered(201, body)
}

/** Objects that are numbers answer with that status. */
export const answerOf = (
  stored: Stored,
  { method, path, body = '{}' }: KubeRequest,
  failure: number | undefined,
): KubeResponse => {
  if (failure !== undefined) return answered(failure)
  if (method === 'POST') return created(stored, path, JSON.parse(body) as object)
  const found = stored.get(path) ?? 404
  if (typeof found === 'number') return answered(found)
  if (method === 'GET') return answered(200, found)
  if (method !== 'PATCH') return answered(405)
  const merged = mergePatched(found, JSON.parse(body)) as object
  stored.set(path, merged)
  return answered(200, merged)
}
