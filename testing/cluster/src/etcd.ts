/** One etcd of Debian's, on a free port of the loopback, with its data in a directory of its own. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { makeDirectory } from './directory.ts'
import { freePort, type RunningProcess, startProcess, waitUntil } from './process.ts'

export interface Etcd {
  /** e.g. `http://127.0.0.1:34567`. */
  readonly endpoint: string
  readonly dataDir: string
  readonly logFile: string
  /** kill -9. The data stays. */
  kill(): Promise<void>
  /** Ends it in good order. The data stays. */
  halt(): Promise<void>
  /** After `kill` or `halt`: the same data, the same port. */
  start(): Promise<void>
  /** SIGSTOP: it accepts connections and answers nothing. */
  pause(): void
  resume(): void
  /** Ends it and removes the data. */
  stop(): Promise<void>
}

export interface EtcdOptions {
  /** Where clients connect; default: the loopback. */
  readonly address?: string
  /** More flags, e.g. `['--quota-backend-bytes', '16777216']`. */
  readonly args?: ReadonlyArray<string>
}

export const etcdBinary = '/usr/bin/etcd'

export const requireInstalled = (file: string): string => {
  if (existsSync(file)) return file
  throw new Error(`${file} is missing: run tools/setup/install-servers`)
}

const readyTimeoutMs = 20_000
const portTriesMax = 5

const isHealthy = async (endpoint: string): Promise<boolean> => {
  const response = await fetch(`${endpoint}/health`, { signal: AbortSignal.timeout(1_000) })
  return ((await response.json()) as { health?: unknown }).health === 'true'
}

class SingleEtcd implements Etcd {
  readonly endpoint: string
  readonly dataDir: string
  readonly logFile: string
  readonly #options: EtcdOptions
  readonly #peer: string
  readonly #remove: () => void
  #process: RunningProcess | undefined

  constructor(options: EtcdOptions, clientPort: number, peerPort: number) {
    const directory = makeDirectory('etcd')
    this.#options = options
    this.endpoint = `http://${options.address ?? '127.0.0.1'}:${clientPort}`
    this.#peer = `http://127.0.0.1:${peerPort}`
    this.dataDir = join(directory.path, 'data')
    this.logFile = join(directory.path, 'etcd.log')
    this.#remove = directory.remove
  }

  async start(): Promise<void> {
    const server = await startProcess({
      name: 'etcd',
      file: requireInstalled(etcdBinary),
      args: [
        ...['--name', 'one', '--data-dir', this.dataDir, '--logger', 'zap'],
        ...['--listen-client-urls', this.endpoint, '--advertise-client-urls', this.endpoint],
        ...['--listen-peer-urls', this.#peer, '--initial-advertise-peer-urls', this.#peer],
        ...['--initial-cluster', `one=${this.#peer}`],
        ...(this.#options.args ?? []),
      ],
      logFile: this.logFile,
    })
    this.#process = server
    await waitUntil(
      { what: 'etcd is ready', timeoutMs: readyTimeoutMs, intervalMs: 20, needs: [server] },
      () => isHealthy(this.endpoint),
    )
  }

  async kill(): Promise<void> {
    await this.#process?.kill()
  }

  async halt(): Promise<void> {
    await this.#process?.stop()
  }

  pause(): void {
    this.#process?.signal('SIGSTOP')
  }

  resume(): void {
    this.#process?.signal('SIGCONT')
  }

  async stop(): Promise<void> {
    await this.kill()
    this.#remove()
  }
}

/** Resolves when it serves. */
export const startEtcd = async (options: EtcdOptions = {}): Promise<Etcd> => {
  for (let tries = 1; ; tries += 1) {
    const etcd = new SingleEtcd(options, await freePort(), await freePort())
    try {
      await etcd.start()
      return etcd
    } catch (error) {
      await etcd.stop()
      // Between finding a port and using it, somebody else may take it.
      const isTaken = String(error).includes('address already in use')
      if (!isTaken || tries === portTriesMax) throw error
    }
  }
}
