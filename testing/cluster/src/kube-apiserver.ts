/** One kube-apiserver in front of an etcd: its flags, and handles to break and restart it. */
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import type { Certificate } from './certificates.ts'
import type { KubernetesBinaries } from './kubernetes-binaries.ts'
import { type RunningProcess, startProcess, waitUntil } from './process.ts'

export interface APIServerSettings {
  readonly binaries: KubernetesBinaries
  readonly directory: string
  readonly address: string
  readonly port: number
  readonly etcdEndpoint: string
  readonly caFile: string
  readonly serving: Certificate
  /** Of somebody in system:masters. */
  readonly admin: Certificate
  readonly serviceAccountKey: { readonly privateKeyFile: string; readonly publicKeyFile: string }
  /** Lines `token,user,uid,"group"`. */
  readonly tokenFile: string
  /** Needs a controller manager, which makes the accounts. */
  readonly hasServiceAccounts: boolean
  readonly args: ReadonlyArray<string>
}

const readyTimeoutMs = 90_000
const requestTimeoutMs = 2_000

export class APIServer {
  readonly url: string
  readonly logFile: string
  readonly #settings: APIServerSettings
  #process: RunningProcess | undefined

  constructor(settings: APIServerSettings) {
    this.#settings = settings
    this.url = `https://${settings.address}:${settings.port}`
    this.logFile = join(settings.directory, 'kube-apiserver.log')
  }

  #flags(): ReadonlyArray<string> {
    const { address, port, directory, serving, admin, serviceAccountKey } = this.#settings
    const isLoopback = address.startsWith('127.')
    return [
      ...['--etcd-servers', this.#settings.etcdEndpoint],
      ...['--bind-address', address, '--secure-port', String(port)],
      // The API server refuses to advertise a loopback address, and nobody uses the endpoints of
      // the service "kubernetes" here.
      ...['--advertise-address', isLoopback ? '192.0.2.1' : address],
      ...['--endpoint-reconciler-type', 'none', '--cert-dir', directory],
      ...['--tls-cert-file', serving.certFile, '--tls-private-key-file', serving.keyFile],
      ...['--client-ca-file', this.#settings.caFile],
      ...['--kubelet-client-certificate', admin.certFile, '--kubelet-client-key', admin.keyFile],
      ...['--token-auth-file', this.#settings.tokenFile],
      ...['--service-account-issuer', 'https://kubernetes.default.svc'],
      ...['--service-account-key-file', serviceAccountKey.publicKeyFile],
      ...['--service-account-signing-key-file', serviceAccountKey.privateKeyFile],
      ...['--authorization-mode', 'Node,RBAC', '--allow-privileged=true', '--profiling=false'],
      ...['--service-cluster-ip-range', '10.96.0.0/16'],
      ...(this.#settings.hasServiceAccounts
        ? []
        : ['--disable-admission-plugins', 'ServiceAccount']),
      ...this.#settings.args,
    ]
  }

  /** Resolves when /readyz says so. */
  async start(): Promise<void> {
    const server = await startProcess({
      name: 'kube-apiserver',
      file: this.#settings.binaries('kube-apiserver'),
      args: this.#flags(),
      logFile: this.logFile,
    })
    this.#process = server
    await waitUntil(
      { what: 'the API server is ready', timeoutMs: readyTimeoutMs, needs: [server] },
      async () => (await this.get('/readyz')) === 'ok',
    )
  }

  /** Body of a GET by the administrator; rejects on any status but 200. */
  get(path: string): Promise<string> {
    const { caFile, admin } = this.#settings
    const options = {
      ca: readFileSync(caFile),
      cert: readFileSync(admin.certFile),
      key: readFileSync(admin.keyFile),
      timeout: requestTimeoutMs,
      agent: false,
    }
    return new Promise((resolve, reject) => {
      const asked = request(`${this.url}${path}`, options, (response) => {
        let body = ''
        response.setEncoding('utf8').on('data', (text: string) => {
          body += text
        })
        response.on('error', reject)
        response.on('end', () => {
          if (response.statusCode === 200) resolve(body)
          else reject(new Error(`GET ${path}: status ${response.statusCode}: ${body}`))
        })
      })
      asked.on('timeout', () => asked.destroy(new Error(`GET ${path}: no answer in time`)))
      asked.on('error', reject)
      asked.end()
    })
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.#process?.kill()
  }

  /** Ends it in good order. */
  async halt(): Promise<void> {
    await this.#process?.stop()
  }

  /** SIGSTOP: connections are accepted, nothing is answered. */
  pause(): void {
    this.#process?.signal('SIGSTOP')
  }

  resume(): void {
    this.#process?.signal('SIGCONT')
  }
}
