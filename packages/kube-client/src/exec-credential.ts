/**
 * Credentials from a program, as kubectl runs them (client.authentication.k8s.io ExecCredential):
 * it prints a token, or a certificate and key, with the time until which they are good.
 */
import { parseJSON } from '@hc-calico/crd-types/json'
import type { TLSSettings } from './access.ts'
import { KubeConfigError } from './kube-client.ts'
import { cachedToken, type TokenSource } from './token.ts'

// Not imported: a bundler would have a one-shot program load it at its start (https-exchange.ts).
const { execFile } = process.getBuiltinModule('node:child_process')

export interface ExecConfig {
  readonly command: string
  readonly args?: ReadonlyArray<string> | null
  readonly env?: ReadonlyArray<{ readonly name: string; readonly value: string }> | null
  readonly apiVersion?: string
}

const waitMsMax = 20_000
const keptMs = 60_000
const outputBytesMax = 1_048_576

const run = ({ command, args, env, apiVersion }: ExecConfig): Promise<string> =>
  new Promise((resolve, reject) => {
    const info = { apiVersion, kind: 'ExecCredential', spec: { interactive: false } }
    const added = Object.fromEntries((env ?? []).map(({ name, value }) => [name, value]))
    const options = {
      env: { ...process.env, KUBERNETES_EXEC_INFO: JSON.stringify(info), ...added },
      timeout: waitMsMax,
      maxBuffer: outputBytesMax,
    }
    execFile(command, [...(args ?? [])], options, (error, stdout) => {
      if (error === null) resolve(stdout)
      else
        reject(
          new KubeConfigError(`the credential program ${command} failed: ${error.message}`, error),
        )
    })
  })

interface Status {
  readonly token?: string
  readonly clientCertificateData?: string
  readonly clientKeyData?: string
  readonly expirationTimestamp?: string
}

const statusFrom = async (config: ExecConfig): Promise<Status> => {
  const { status } = parseJSON(await run(config)) as { readonly status?: Status | null }
  const { token, clientCertificateData: cert, clientKeyData: key } = status ?? {}
  if (typeof token === 'string' || (typeof cert === 'string' && typeof key === 'string')) {
    return status as Status
  }
  const what = 'neither a token nor a client certificate with its key'
  throw new KubeConfigError(`the credential program ${config.command} printed ${what}`)
}

export interface ProgramCredential {
  readonly source: TokenSource
  /** The client certificate, for as long as the process lives; empty where there is a token only. */
  readonly tls: Pick<TLSSettings, 'cert' | 'key'>
}

/** Runs the program at once: whether it gives a certificate has to be known before connecting. */
export const credentialFromProgram = async (config: ExecConfig): Promise<ProgramCredential> => {
  let first: Status | undefined = await statusFrom(config)
  const { clientCertificateData: cert, clientKeyData: key } = first
  const source = cachedToken(async () => {
    const { token, expirationTimestamp = '' } = first ?? (await statusFrom(config))
    first = undefined
    const ends = Date.parse(expirationTimestamp)
    return { token, endsAt: Number.isNaN(ends) ? Date.now() + keptMs : ends }
  })
  return { source, tls: cert === undefined || key === undefined ? {} : { cert, key } }
}
