/**
 * Kubeconfig files as the lean client reads them: the current context's cluster and user. JSON is
 * read at once; for YAML a reader is loaded. Relative paths are relative to the file.
 */
import { dirname, resolve } from 'node:path'
import type { Access, TLSSettings } from './access.ts'
import {
  credentialFromProgram,
  type ExecConfig,
  type ProgramCredential,
} from './exec-credential.ts'
import { KubeConfigError } from './kube-client.ts'
import { fixedToken, noToken, type TokenSource, tokenFromFile } from './token.ts'

// Not imported: a bundler would have a one-shot program load it at its start (https-exchange.ts).
const { readFile } = process.getBuiltinModule('node:fs/promises')

type Fields = Readonly<Record<string, unknown>>

interface Parsed {
  readonly file: string
  readonly cluster: Fields
  readonly user: Fields
}

const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const textOf = (fields: Fields, name: string): string | undefined => {
  const value = fields[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

const parseText = async (text: string): Promise<unknown> => {
  if (text.trimStart().startsWith('{')) return JSON.parse(text)
  const { load } = await import('js-yaml')
  return load(text)
}

const namedIn = (config: Fields, list: string, inner: string, name: string): Fields | undefined => {
  const items = config[list]
  const found = Array.isArray(items)
    ? items.find((item) => isRecord(item) && item.name === name)
    : undefined
  const value = isRecord(found) ? found[inner] : undefined
  return isRecord(value) ? value : undefined
}

const readParsed = async (file: string): Promise<Parsed> => {
  const wrong = (what: string, cause?: unknown) =>
    new KubeConfigError(`the kubeconfig ${file} ${what}`, cause)
  let config: unknown
  try {
    config = await parseText(await readFile(file, 'utf8'))
  } catch (cause) {
    throw wrong(`cannot be read: ${(cause as Error).message.split('\n')[0]}`, cause)
  }
  if (!isRecord(config)) throw wrong('is not a kubeconfig: it has no fields')
  const current = textOf(config, 'current-context')
  if (current === undefined) throw wrong('has no current-context')
  const context = namedIn(config, 'contexts', 'context', current)
  if (context === undefined) throw wrong(`has no context "${current}", its current-context`)
  const clusterName = textOf(context, 'cluster') ?? ''
  const cluster = namedIn(config, 'clusters', 'cluster', clusterName)
  if (cluster === undefined) throw wrong(`has no cluster "${clusterName}"`)
  const user = namedIn(config, 'users', 'user', textOf(context, 'user') ?? '') ?? {}
  return { file, cluster, user }
}

/** PEM: inline as base64, or a file. */
const pem = async ({ file }: Parsed, fields: Fields, name: string): Promise<string | undefined> => {
  const inline = textOf(fields, `${name}-data`)
  if (inline !== undefined) return Buffer.from(inline, 'base64').toString()
  const path = textOf(fields, name)
  if (path === undefined) return undefined
  const full = resolve(dirname(file), path)
  try {
    return await readFile(full, 'utf8')
  } catch (cause) {
    const why = (cause as Error).message
    throw new KubeConfigError(`the ${name} of the kubeconfig ${file} cannot be read: ${why}`, cause)
  }
}

const credentialOf = async ({ file, user }: Parsed): Promise<ProgramCredential> => {
  const path = textOf(user, 'tokenFile')
  if (path !== undefined) return { source: tokenFromFile(resolve(dirname(file), path)), tls: {} }
  const token = textOf(user, 'token')
  if (token !== undefined) return { source: fixedToken(token), tls: {} }
  const { exec } = user
  if (isRecord(exec)) return credentialFromProgram(exec as unknown as ExecConfig)
  return { source: noToken, tls: {} }
}

const basicOf = ({ user }: Parsed): string | undefined => {
  const name = textOf(user, 'username')
  return name === undefined
    ? undefined
    : `Basic ${Buffer.from(`${name}:${textOf(user, 'password') ?? ''}`).toString('base64')}`
}

const tlsOf = async (parsed: Parsed): Promise<TLSSettings> => {
  const { cluster, user } = parsed
  const [ca, cert, key] = await Promise.all([
    pem(parsed, cluster, 'certificate-authority'),
    pem(parsed, user, 'client-certificate'),
    pem(parsed, user, 'client-key'),
  ])
  const servername = textOf(cluster, 'tls-server-name')
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(servername === undefined ? {} : { servername }),
    ...(cluster['insecure-skip-tls-verify'] === true ? { isUnverified: true } : {}),
  }
}

export const withToken = (source: TokenSource, basic?: string): Access['headers'] => {
  return async () => {
    if (basic !== undefined) return { authorization: basic }
    const token = await source.token()
    return token === undefined ? {} : { authorization: `Bearer ${token}` }
  }
}

/** Rejects with KubeConfigError. */
export const accessFromKubeconfig = async (file: string): Promise<Access> => {
  const parsed = await readParsed(file)
  const server = textOf(parsed.cluster, 'server')
  if (server === undefined) throw new KubeConfigError(`the kubeconfig ${file} names no server`)
  const { source, tls } = await credentialOf(parsed)
  return {
    server: server.replace(/\/+$/, ''),
    tls: { ...(await tlsOf(parsed)), ...tls },
    headers: withToken(source, basicOf(parsed)),
    renew: source.renew,
  }
}
