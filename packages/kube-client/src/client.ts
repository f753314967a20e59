/**
 * Configuration and authentication by @kubernetes/client-node, for long-lived processes: every form
 * of kubeconfig, contexts, exec and OIDC plugins, in-cluster. Its only importer. Requests do not go
 * through it: it opens a connection for each, and parses bodies with a JSON that rounds.
 */
import { KubeConfig } from '@kubernetes/client-node'
import type { Access, TLSSettings } from './access.ts'
import { KubeConfigError } from './kube-client.ts'
import type { KubeClientOptions } from './options.ts'

interface Applied {
  ca?: unknown
  cert?: unknown
  key?: unknown
  servername?: string
  rejectUnauthorized?: boolean
  auth?: string
  headers?: Record<string, unknown>
}

const loaded = ({ kubeconfig, apiRoot }: KubeClientOptions): KubeConfig => {
  const config = new KubeConfig()
  try {
    if (kubeconfig !== undefined && kubeconfig !== '') config.loadFromFile(kubeconfig)
    else if (apiRoot !== undefined && apiRoot !== '') {
      config.loadFromClusterAndUser(
        { name: 'stated', server: apiRoot, skipTLSVerify: false },
        { name: 'stated' },
      )
    } else config.loadFromDefault()
  } catch (cause) {
    const where =
      kubeconfig === undefined ? 'the Kubernetes configuration' : `the kubeconfig ${kubeconfig}`
    throw new KubeConfigError(`${where} cannot be used: ${(cause as Error).message}`, cause)
  }
  return config
}

const pem = (value: unknown): string | undefined =>
  value === undefined || value === null ? undefined : String(value)

const tlsOf = (applied: Applied): TLSSettings => {
  const [ca, cert, key] = [pem(applied.ca), pem(applied.cert), pem(applied.key)]
  const { servername, rejectUnauthorized } = applied
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(servername === undefined ? {} : { servername }),
    ...(rejectUnauthorized === false ? { isUnverified: true } : {}),
  }
}

const headersOf = ({ headers = {}, auth }: Applied): Readonly<Record<string, string>> => {
  const basic =
    auth === undefined ? {} : { authorization: `Basic ${Buffer.from(auth).toString('base64')}` }
  const stated = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)])
  return { ...basic, ...Object.fromEntries(stated) }
}

/** Rejects with KubeConfigError. Tokens are asked for before every request; client-node caches them. */
export const accessByClientNode = async (options: KubeClientOptions): Promise<Access> => {
  const config = loaded(options)
  const cluster = config.getCurrentCluster()
  if (cluster === null) throw new KubeConfigError('the Kubernetes configuration names no cluster')
  const applied = async (): Promise<Applied> => {
    const into: Applied = {}
    try {
      await config.applyToHTTPSOptions(into as never)
    } catch (cause) {
      throw new KubeConfigError(
        `signing in to Kubernetes failed: ${(cause as Error).message}`,
        cause,
      )
    }
    return into
  }
  return {
    server: cluster.server.replace(/\/+$/, ''),
    tls: tlsOf(await applied()),
    headers: async () => headersOf(await applied()),
    renew: () => undefined,
  }
}
