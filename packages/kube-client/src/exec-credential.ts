/**
 * Credentials from a program, as kubectl runs them (client.authentication.k8s.io ExecCredential):
 * it prints a token, or a certificate and key, with the time until which they are good.
 */
import { parseJSON } from '@hc-calico/crd-types/json'
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

interface ExecCredential {
  readonly status?: { readonly token?: string; readonly expirationTimestamp?: string }
}

export const tokenFromProgram = (config: ExecConfig): TokenSource =>
  cachedToken(async () => {
    const { status } = parseJSON(await run(config)) as ExecCredential
    if (typeof status?.token !== 'string') {
      throw new KubeConfigError(`the credential program ${config.command} printed no token`)
    }
    const ends = Date.parse(status.expirationTimestamp ?? '')
    return { token: status.token, endsAt: Number.isNaN(ends) ? Date.now() + keptMs : ends }
  })
