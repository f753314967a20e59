/**
 * Endpoints from DNS, by etcd's convention: `_etcd-client-ssl._tcp` for TLS, `_etcd-client._tcp`
 * for plain text, below the configured domain. Source: etcd's clustering guide, DNS discovery.
 */
import { DatastoreFailure, datastoreError } from '@hc-calico/ipam-core/ports'

export type ResolveSRV = (
  name: string,
) => Promise<ReadonlyArray<{ readonly name: string; readonly port: number }>>

const resolveByDNS: ResolveSRV = async (name) => {
  const { resolveSrv } = await import('node:dns/promises')
  return resolveSrv(name)
}

/** `http(s)://host:port` of every record. Rejects with DatastoreFailure when there is none. */
export const discoveredEndpoints = async (
  domain: string,
  resolve: ResolveSRV = resolveByDNS,
): Promise<ReadonlyArray<string>> => {
  const asked = [
    { scheme: 'https', name: `_etcd-client-ssl._tcp.${domain}` },
    { scheme: 'http', name: `_etcd-client._tcp.${domain}` },
  ]
  const answers = await Promise.all(
    asked.map(({ scheme, name }) =>
      resolve(name).then(
        (records) => records.map((one) => `${scheme}://${one.name}:${one.port}`),
        () => [],
      ),
    ),
  )
  const endpoints = answers.flat()
  if (endpoints.length > 0) return endpoints
  const names = asked.map(({ name }) => name).join(' nor ')
  const message = `no etcd endpoints were found: neither ${names} has SRV records`
  throw new DatastoreFailure(datastoreError('Unavailable', message))
}
