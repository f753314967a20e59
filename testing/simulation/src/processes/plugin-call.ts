/**
 * One call of the compiled IPAM executable, as a runtime makes it; it may be killed with -9 at any
 * instant, by a clock that knows nothing of what it is doing.
 */
import { type SpawnOptions, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const executable = fileURLToPath(
  new URL('../../../../packages/cni-plugin/dist/cni-bin/hc-calico-ipam', import.meta.url),
)

export interface PluginCall {
  readonly command: 'ADD' | 'DEL'
  readonly containerID: string
  readonly conf: object
  /** Put before the executable, e.g. `nsenter`. */
  readonly through?: ReadonlyArray<string>
  /** Milliseconds after which it is killed. */
  readonly killAfterMs?: number
}

export type Called =
  | { readonly tag: 'Done'; readonly addresses: ReadonlyArray<string> }
  /** It said so itself: an error of the CNI specification, on its standard output. */
  | { readonly tag: 'Refused'; readonly message: string }
  | { readonly tag: 'Killed' }
  /** It ended in no way that a runtime could understand. */
  | { readonly tag: 'Broken'; readonly words: string }

/** Longer than any call may take: the plugin has a deadline of its own. */
const patienceMs = 100_000

interface Printed {
  readonly code?: number
  readonly msg?: string
  readonly ips?: ReadonlyArray<{ readonly address: string }>
}

const parsed = (text: string): Printed | undefined => {
  try {
    return JSON.parse(text) as Printed
  } catch {
    return undefined
  }
}

const outcomeOf = (
  code: number | null,
  signal: string | null,
  out: string,
  errors: string,
): Called => {
  if (signal === 'SIGKILL') return { tag: 'Killed' }
  const printed = parsed(out)
  const addresses = (printed?.ips ?? []).map(({ address }) => address.replace(/\/.*/, ''))
  if (code === 0) return { tag: 'Done', addresses }
  if (printed?.code !== undefined) return { tag: 'Refused', message: `${printed.msg}` }
  return { tag: 'Broken', words: `code ${code}, signal ${signal}: ${out}${errors}` }
}

export const call = (one: PluginCall): Promise<Called> => {
  const [file = executable, ...args] = [...(one.through ?? []), executable]
  const env = {
    PATH: process.env.PATH ?? '',
    CNI_COMMAND: one.command,
    CNI_CONTAINERID: one.containerID,
    CNI_NETNS: '/run/netns/nobody-looks-here',
    CNI_IFNAME: 'eth0',
    CNI_PATH: '/nonexistent',
  }
  const options: SpawnOptions = { env, stdio: ['pipe', 'pipe', 'pipe'] }
  return new Promise((resolve) => {
    const child = spawn(file, args, options)
    let [out, errors] = ['', '']
    child.stdout?.on('data', (chunk) => {
      out += chunk
    })
    child.stderr?.on('data', (chunk) => {
      errors += chunk
    })
    const killed = setTimeout(() => child.kill('SIGKILL'), one.killAfterMs ?? patienceMs)
    child.on('error', (error) => resolve({ tag: 'Broken', words: String(error) }))
    child.on('close', (code, signal) => {
      clearTimeout(killed)
      resolve(outcomeOf(code, signal, out, errors))
    })
    // Whoever is killed at once does not read what it is told.
    child.stdin?.on('error', () => {})
    child.stdin?.end(JSON.stringify(one.conf))
  })
}
