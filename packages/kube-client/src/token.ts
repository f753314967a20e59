/**
 * Bearer tokens: fixed, from a file that is replaced while we run (service accounts: every hour), or
 * from a program (exec plugin, ExecCredential). Read again now and then, and when the server says
 * that the one we have is no longer good.
 */
import { KubeConfigError } from './kube-client.ts'

// Not imported: a bundler would have a one-shot program load it at its start (https-exchange.ts).
const { readFile } = process.getBuiltinModule('node:fs/promises')

export interface TokenSource {
  readonly token: () => Promise<string | undefined>
  readonly renew: () => void
}

const keptMs = 60_000

export const noToken: TokenSource = { token: async () => undefined, renew: () => undefined }

export const fixedToken = (token: string): TokenSource => ({
  token: async () => token,
  renew: () => undefined,
})

/** Whatever `fetch` brings, kept until `endsAt` (ms of Date.now()) or renewal. */
export const cachedToken = (
  fetch: () => Promise<{ readonly token: string | undefined; readonly endsAt: number }>,
): TokenSource => {
  let kept: { readonly token: string | undefined; readonly endsAt: number } | undefined
  return {
    token: async () => {
      if (kept === undefined || Date.now() >= kept.endsAt) kept = await fetch()
      return kept.token
    },
    renew: () => {
      kept = undefined
    },
  }
}

export const tokenFromFile = (file: string): TokenSource =>
  cachedToken(async () => {
    try {
      const token = (await readFile(file, 'utf8')).trim()
      return { token, endsAt: Date.now() + keptMs }
    } catch (cause) {
      const why = (cause as Error).message
      throw new KubeConfigError(`the token file ${file} cannot be read: ${why}`, cause)
    }
  })
