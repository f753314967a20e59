/**
 * What the caller says about the cluster, checked: endpoints, TLS, sign-in, bounds. Every mistake is
 * one sentence that names the option. Files are read here; a certificate that is replaced on disk is
 * picked up by the next process, which for the plugin is the next pod.
 */
import { readFileSync } from 'node:fs'
import { DatastoreFailure, datastoreError } from '@hc-calico/ipam-core/ports'

export interface EtcdOptions {
  /** `https://10.0.0.1:2379`; without a scheme http is meant, without a port 2379. */
  readonly endpoints?: ReadonlyArray<string>
  /** A domain whose SRV records name the endpoints; used when `endpoints` is empty. */
  readonly discoverySRV?: string
  /** PEM files. */
  readonly keyFile?: string
  readonly certFile?: string
  readonly caCertFile?: string
  /** PEM text, instead of files. */
  readonly key?: string
  readonly cert?: string
  readonly caCert?: string
  readonly username?: string
  readonly password?: string
  /** For one member to accept a connection. Default 1 500. */
  readonly dialTimeoutMs?: number
  /** For one member to answer; after that another one is asked. Default 2 000. */
  readonly attemptTimeoutMs?: number
  /** For a call as a whole. Default 10 000. */
  readonly callTimeoutMs?: number
}

export interface TLSMaterial {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

export interface Bounds {
  readonly dialTimeoutMs: number
  readonly attemptTimeoutMs: number
  readonly callTimeoutMs: number
}

/** Checked options. */
export interface EtcdSettings extends Bounds {
  /** `http://host:port` or `https://host:port`; empty: ask discovery. */
  readonly endpoints: ReadonlyArray<string>
  readonly discoverySRV?: string
  readonly tls?: TLSMaterial
  readonly signIn?: { readonly username: string; readonly password: string }
}

const wrong = (message: string): never => {
  throw new DatastoreFailure(datastoreError('Malformed', message))
}

const defaultPort = '2379'

const endpointOf = (text: string): string => {
  const full = text.includes('://') ? text : `http://${text}`
  let url: URL
  try {
    url = new URL(full)
  } catch {
    return wrong(`etcd endpoint "${text}" is not a URL: write https://HOST:PORT`)
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return wrong(`etcd endpoint "${text}" must begin with https:// or http://`)
  }
  if (url.username !== '' || url.password !== '') {
    return wrong('an etcd endpoint must not contain a user: use the options for it')
  }
  if (url.pathname !== '/' || url.search !== '') {
    return wrong(`etcd endpoint "${text}" must not have a path`)
  }
  // A URL drops the port that is its scheme's default; 443 and 80 are as good as any here.
  const isStated = /:\d+\/?$/.test(full.replace(/^[a-z]+:\/\//, '').replace(/^\[[^\]]*\]/, ''))
  const port = url.port !== '' ? url.port : isStated ? schemePort(url.protocol) : defaultPort
  return `${url.protocol}//${url.hostname}:${port}`
}

const schemePort = (protocol: string): string => (protocol === 'https:' ? '443' : '80')

const fromFile = (file: string, what: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    return wrong(`the etcd ${what} file ${file} cannot be read: ${(cause as Error).message}`)
  }
}

const pem = (
  text: string | undefined,
  file: string | undefined,
  what: string,
): string | undefined => {
  if (text !== undefined && text !== '') {
    if (file !== undefined && file !== '') {
      wrong(`the etcd ${what} is given twice, as text and as file ${file}: give one`)
    }
    return text
  }
  return file === undefined || file === '' ? undefined : fromFile(file, what)
}

const tlsOf = (options: EtcdOptions): TLSMaterial | undefined => {
  const ca = pem(options.caCert, options.caCertFile, 'CA certificate')
  const cert = pem(options.cert, options.certFile, 'client certificate')
  const key = pem(options.key, options.keyFile, 'client key')
  if ((cert === undefined) !== (key === undefined)) {
    wrong('the etcd client certificate and its key go together: one of them is missing')
  }
  if (ca === undefined && cert === undefined) return undefined
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  }
}

const signInOf = ({ username, password }: EtcdOptions): EtcdSettings['signIn'] => {
  if (username === undefined || username === '') {
    if (password !== undefined && password !== '') wrong('an etcd password is given, but no user')
    return undefined
  }
  if (password === undefined || password === '') {
    return wrong(`the etcd user "${username}" has no password`)
  }
  return { username, password }
}

const bounds = { dialTimeoutMs: 1_500, attemptTimeoutMs: 2_000, callTimeoutMs: 10_000 } as const
/** What timers can wait. */
const boundMsMax = 2 ** 31 - 1

const boundOf = (options: EtcdOptions, name: keyof typeof bounds): number => {
  const value = options[name] ?? bounds[name]
  return Number.isInteger(value) && value >= 1 && value <= boundMsMax
    ? value
    : wrong(
        `the etcd option ${name} must be a whole number of milliseconds from 1, but is ${value}`,
      )
}

/** Checks options. Throws DatastoreFailure (Malformed) with one sentence. */
export const checkedOptions = (options: EtcdOptions): EtcdSettings => {
  const endpoints = (options.endpoints ?? []).map(endpointOf)
  const { discoverySRV } = options
  if (endpoints.length === 0 && (discoverySRV === undefined || discoverySRV === '')) {
    wrong('no etcd endpoints are configured: set etcd_endpoints (or ETCD_ENDPOINTS)')
  }
  const tls = tlsOf(options)
  const signIn = signInOf(options)
  return {
    endpoints,
    ...(discoverySRV === undefined || discoverySRV === '' ? {} : { discoverySRV }),
    ...(tls === undefined ? {} : { tls }),
    ...(signIn === undefined ? {} : { signIn }),
    dialTimeoutMs: boundOf(options, 'dialTimeoutMs'),
    attemptTimeoutMs: boundOf(options, 'attemptTimeoutMs'),
    callTimeoutMs: boundOf(options, 'callTimeoutMs'),
  }
}
