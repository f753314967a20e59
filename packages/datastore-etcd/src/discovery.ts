/**
 * Endpoints from DNS, by etcd's convention: `_etcd-client-ssl._tcp` for TLS, `_etcd-client._tcp`
 * for plain text, below the configured domain. Plain text only where there is no TLS: a domain that
 * names both must not lead a password over an open line. Source: etcd's clustering guide.
 */
import { DatastoreFailure, datastoreError } from '@hc-calico/ipam-core/ports'

export type ResolveSRV = (
  name: string,
) => Promise<ReadonlyArray<{ readonly name: string; readonly port: number }>>

const resolveByDNS: ResolveSRV = async (name) => {
  const { resolveSrv } = await import('node:dns/promises')
  return resolveSrv(name)
}

/** DNS tries its servers in turn, for longer than a caller may wait. */
const answerMsMax = 5_000

/** What DNS says when there are no such records; anything else is DNS in trouble. */
const absent: ReadonlySet<unknown> = new Set(['ENOTFOUND', 'ENODATA'])

const unavailable = (message: string, cause?: unknown): DatastoreFailure =>
  new DatastoreFailure(datastoreError('Unavailable', message, { cause }))

const inTime = <T>(pending: Promise<T>): Promise<T> => {
  let timer: ReturnType<typeof setTimeout>
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`no answer within ${answerMsMax} ms`)
    timer = setTimeout(() => reject(error), answerMsMax)
  })
  return Promise.race([pending, late]).finally(() => clearTimeout(timer))
}

const recordsOf = async (scheme: string, name: string, resolve: ResolveSRV) => {
  try {
    const records = await inTime(resolve(name))
    return records.map((one) => `${scheme}://${one.name}:${one.port}`)
  } catch (cause) {
    if (absent.has((cause as { code?: unknown }).code)) return []
    const detail = cause instanceof Error ? cause.message : String(cause)
    throw unavailable(`cannot look up etcd endpoints: DNS failed for ${name}: ${detail}`, cause)
  }
}

/** `http(s)://host:port` of every record. Rejects with DatastoreFailure when there is none. */
export const discoveredEndpoints = async (
  domain: string,
  resolve: ResolveSRV = resolveByDNS,
): Promise<ReadonlyArray<string>> => {
  const secureName = `_etcd-client-ssl._tcp.${domain}`
  const plainName = `_etcd-client._tcp.${domain}`
  const [secure, plain] = await Promise.all([
    recordsOf('https', secureName, resolve),
    recordsOf('http', plainName, resolve),
  ])
  const endpoints = secure.length > 0 ? secure : plain
  if (endpoints.length > 0) return endpoints
  throw unavailable(
    `no etcd endpoints were found: neither ${secureName} nor ${plainName} has SRV records`,
  )
}
