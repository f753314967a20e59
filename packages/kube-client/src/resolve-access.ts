/** Which server, and who we are: options over a kubeconfig over the pod's own service account. */
import type { Access, TLSSettings } from './access.ts'
import { KubeConfigError } from './kube-client.ts'
import { accessFromKubeconfig, withToken } from './kubeconfig.ts'
import type { KubeClientOptions } from './options.ts'
import { fixedToken, tokenFromFile } from './token.ts'

// Not imported: a bundler would have a one-shot program load it at its start (https-exchange.ts).
const { readFile } = process.getBuiltinModule('node:fs/promises')

const accountFolder = '/var/run/secrets/kubernetes.io/serviceaccount'

const pemFile = async (file: string | undefined, what: string): Promise<string | undefined> => {
  if (file === undefined || file === '') return undefined
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new KubeConfigError(
      `the ${what} ${file} cannot be read: ${(cause as Error).message}`,
      cause,
    )
  }
}

type Environment = Readonly<Record<string, string | undefined>>

const inCluster = async (env: Environment): Promise<Access> => {
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '' } = env
  if (host === '' || port === '') {
    throw new KubeConfigError(
      'the Kubernetes API is not configured: set kubernetes.kubeconfig (or KUBECONFIG), or run in a pod',
    )
  }
  const source = tokenFromFile(`${accountFolder}/token`)
  const ca = await pemFile(`${accountFolder}/ca.crt`, 'CA certificate of the service account')
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    tls: ca === undefined ? {} : { ca },
    headers: withToken(source),
    renew: source.renew,
  }
}

const base = (options: KubeClientOptions, env: Environment): Promise<Access> => {
  const { kubeconfig, apiRoot } = options
  if (kubeconfig !== undefined && kubeconfig !== '') return accessFromKubeconfig(kubeconfig)
  if (apiRoot === undefined || apiRoot === '') return inCluster(env)
  const none = async (): Promise<Readonly<Record<string, string>>> => ({})
  return Promise.resolve({ server: apiRoot, tls: {}, headers: none, renew: () => undefined })
}

const checkedServer = (server: string): string => {
  const { protocol } = URL.parse(server) ?? { protocol: '' }
  if (protocol === 'https:' || protocol === 'http:') return server.replace(/\/+$/, '')
  throw new KubeConfigError(
    `"${server}" is not the address of a Kubernetes API: write https://HOST:PORT`,
  )
}

const overridden = async (options: KubeClientOptions, tls: TLSSettings): Promise<TLSSettings> => {
  const [ca, cert, key] = await Promise.all([
    pemFile(options.certificateAuthority, 'certificate authority'),
    pemFile(options.clientCertificate, 'client certificate'),
    pemFile(options.clientKey, 'client key'),
  ])
  return {
    ...tls,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  }
}

/** Lays what the options say over an access. Rejects with KubeConfigError. */
export const withOptions = async (access: Access, options: KubeClientOptions): Promise<Access> => {
  const { token, apiRoot } = options
  return {
    ...access,
    server: checkedServer(apiRoot !== undefined && apiRoot !== '' ? apiRoot : access.server),
    tls: await overridden(options, access.tls),
    ...(token === undefined || token === '' ? {} : { headers: withToken(fixedToken(token)) }),
  }
}

/** Rejects with KubeConfigError. */
export const resolveAccess = async (
  options: KubeClientOptions,
  env: Environment = process.env,
): Promise<Access> => withOptions(await base(options, env), options)
