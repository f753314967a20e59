/**
 * A real Kubernetes control plane for one test run: etcd, kube-apiserver with RBAC, and where a
 * test wants them the controller manager and the scheduler. Ready in a few seconds. A node to run
 * pods on is in `node.ts`.
 */
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Certificate,
  type CertificateAuthority,
  createAuthority,
  createKeyPair,
} from './certificates.ts'
import { command } from './command.ts'
import { makeDirectory, type OwnDirectory } from './directory.ts'
import { type Etcd, startEtcd } from './etcd.ts'
import { APIServer } from './kube-apiserver.ts'
import { writeKubeconfig } from './kubeconfig.ts'
import { type KubernetesBinaries, kubernetesBinaries } from './kubernetes-binaries.ts'
import { freePort, type RunningProcess, startProcess, waitUntil } from './process.ts'

export interface KubernetesOptions {
  readonly controllerManager?: boolean
  readonly scheduler?: boolean
  /** Directories or files with CustomResourceDefinitions; served when this resolves. */
  readonly crds?: ReadonlyArray<string>
  /** Where the API server listens; default: the loopback. */
  readonly address?: string
  /** With a controller manager: nodes get a podCIDR out of these. */
  readonly podCIDR?: string
  /** More flags for the API server. */
  readonly apiServerArgs?: ReadonlyArray<string>
}

/** Somebody who may use the API. */
export interface KubernetesIdentity extends Certificate {
  readonly kubeconfig: string
}

export interface Kubernetes {
  readonly url: string
  readonly caFile: string
  /** Of the administrator. */
  readonly kubeconfig: string
  readonly admin: KubernetesIdentity
  /** Of the administrator, for the header `Authorization: Bearer`. */
  readonly adminToken: string
  readonly etcd: Etcd
  readonly apiServer: APIServer
  readonly binaries: KubernetesBinaries
  /** A new identity, by client certificate. It may do what RBAC gives this name and these groups. */
  identity(user: string, groups?: ReadonlyArray<string>): Promise<KubernetesIdentity>
  /** As the administrator; `input` for `-f -`. Its standard output. */
  kubectl(args: ReadonlyArray<string>, input?: string): Promise<string>
  /** Creates or updates objects. */
  apply(...objects: ReadonlyArray<object>): Promise<void>
  /** Applies CustomResourceDefinitions from files or directories and waits until they are served. */
  applyCRDs(...paths: ReadonlyArray<string>): Promise<void>
  /** kill -9 of every program, etcd included; the data stay. */
  cutPower(): Promise<void>
  /** After `cutPower`: all of them again, on the same data and ports. */
  start(): Promise<void>
  stop(): Promise<void>
}

const applyTimeoutMs = 60_000
const systemTimeoutMs = 30_000
const portTriesMax = 3

interface CRD {
  readonly spec: {
    readonly group: string
    readonly names: { readonly plural: string }
    readonly versions: ReadonlyArray<{ readonly name: string; readonly served: boolean }>
  }
}

interface Parts {
  readonly directory: OwnDirectory
  readonly authority: CertificateAuthority
  readonly etcd: Etcd
  readonly apiServer: APIServer
  readonly binaries: KubernetesBinaries
  readonly adminToken: string
  readonly adminCertificate: Certificate
}

interface Program {
  readonly name: 'kube-controller-manager' | 'kube-scheduler'
  readonly args: ReadonlyArray<string>
}

class ControlPlane implements Kubernetes {
  readonly admin: KubernetesIdentity
  readonly #parts: Parts
  readonly #programs: Program[] = []
  #processes: ReadonlyArray<RunningProcess> = []

  constructor(parts: Parts) {
    this.#parts = parts
    this.admin = this.#withKubeconfig('admin', parts.adminCertificate)
  }

  get url(): string {
    return this.#parts.apiServer.url
  }
  get caFile(): string {
    return this.#parts.authority.certFile
  }
  get kubeconfig(): string {
    return this.admin.kubeconfig
  }
  get adminToken(): string {
    return this.#parts.adminToken
  }
  get etcd(): Etcd {
    return this.#parts.etcd
  }
  get apiServer(): APIServer {
    return this.#parts.apiServer
  }
  get binaries(): KubernetesBinaries {
    return this.#parts.binaries
  }

  #withKubeconfig(name: string, certificate: Certificate): KubernetesIdentity {
    const kubeconfig = join(this.#parts.directory.path, `${name}.kubeconfig`)
    writeKubeconfig(kubeconfig, { server: this.url, caFile: this.caFile, user: certificate })
    return { ...certificate, kubeconfig }
  }

  async identity(user: string, groups: ReadonlyArray<string> = []): Promise<KubernetesIdentity> {
    const name = `${user.replaceAll(/[^a-z0-9-]/gi, '_')}-${randomBytes(3).toString('hex')}`
    const { authority } = this.#parts
    const certificate = await authority.issue({ name, commonName: user, organizations: groups })
    return this.#withKubeconfig(name, certificate)
  }

  kubectl(args: ReadonlyArray<string>, input = ''): Promise<string> {
    const settings = ['--kubeconfig', this.kubeconfig, '--cache-dir', this.#parts.directory.path]
    return command(this.binaries('kubectl'), [...settings, ...args], {
      input,
      timeoutMs: applyTimeoutMs,
    })
  }

  async apply(...objects: ReadonlyArray<object>): Promise<void> {
    const list = { apiVersion: 'v1', kind: 'List', items: objects }
    await this.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(list))
  }

  async applyCRDs(...paths: ReadonlyArray<string>): Promise<void> {
    if (paths.length === 0) return
    const files = paths.flatMap((path) => ['-f', path])
    const applied = await this.kubectl(['apply', '--server-side', '-o', 'json', ...files])
    const document = JSON.parse(applied) as CRD | { readonly items: ReadonlyArray<CRD> }
    for (const { spec } of 'items' in document ? document.items : [document]) {
      for (const version of spec.versions.filter((one) => one.served)) {
        const collection = `/apis/${spec.group}/${version.name}/${spec.names.plural}`
        await waitUntil(
          { what: `${collection} is served`, timeoutMs: systemTimeoutMs },
          async () => {
            await this.apiServer.get(`${collection}?limit=1`)
            return true
          },
        )
      }
    }
  }

  /** A namespace "default" is the last thing a new server makes for itself. */
  async waitForDefaults(what: 'namespace' | 'service account'): Promise<void> {
    const namespace = '/api/v1/namespaces/default'
    const path = what === 'namespace' ? namespace : `${namespace}/serviceaccounts/default`
    const needs = this.#processes
    await waitUntil({ what: `a default ${what}`, timeoutMs: systemTimeoutMs, needs }, async () => {
      await this.apiServer.get(path)
      return true
    })
  }

  async startControllerManager(podCIDR: string | undefined): Promise<void> {
    const { kubeconfig } = await this.identity('system:kube-controller-manager')
    const { authority, directory } = this.#parts
    const { certFile, keyFile } = authority
    const cidr = ['--allocate-node-cidrs=true', '--cluster-cidr', podCIDR ?? '']
    const args = [
      ...['--kubeconfig', kubeconfig, '--leader-elect=false', '--secure-port=0'],
      ...['--use-service-account-credentials=true', '--root-ca-file', certFile],
      ...['--service-account-private-key-file', join(directory.path, 'service-account.key')],
      ...['--cluster-signing-cert-file', certFile, '--cluster-signing-key-file', keyFile],
      ...(podCIDR === undefined ? [] : cidr),
    ]
    await this.#add({ name: 'kube-controller-manager', args })
  }

  async startScheduler(): Promise<void> {
    const { kubeconfig } = await this.identity('system:kube-scheduler')
    const args = ['--kubeconfig', kubeconfig, '--leader-elect=false', '--secure-port=0']
    await this.#add({ name: 'kube-scheduler', args })
  }

  async #add(program: Program): Promise<void> {
    this.#programs.push(program)
    await this.#run(program)
  }

  async #run({ name, args }: Program): Promise<void> {
    const logFile = join(this.#parts.directory.path, `${name}.log`)
    const started = await startProcess({ name, file: this.binaries(name), args, logFile })
    this.#processes = [...this.#processes, started]
  }

  async cutPower(): Promise<void> {
    const killed = [...this.#processes, this.apiServer, this.etcd].map((one) => one.kill())
    this.#processes = []
    await Promise.all<unknown>(killed)
  }

  async start(): Promise<void> {
    await this.etcd.start()
    await this.apiServer.start()
    for (const program of this.#programs) await this.#run(program)
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((one) => one.kill()))
    await this.apiServer.kill()
    await this.etcd.stop()
    this.#parts.directory.remove()
  }
}

/** Everything up to a running API server. */
const startParts = async (options: KubernetesOptions): Promise<Parts> => {
  const binaries = await kubernetesBinaries()
  const directory = makeDirectory('kubernetes')
  const path = directory.path
  const address = options.address ?? '127.0.0.1'
  const [authority, serviceAccountKey, etcd] = await Promise.all([
    createAuthority(path, 'hc-calico test cluster'),
    createKeyPair(path, 'service-account'),
    startEtcd(),
  ])
  const hosts = [address, '127.0.0.1', '10.96.0.1', 'localhost', 'kubernetes.default.svc']
  const [serving, adminCertificate] = await Promise.all([
    authority.issue({ name: 'kube-apiserver', commonName: 'kube-apiserver', hosts }),
    authority.issue({ name: 'admin', commonName: 'admin', organizations: ['system:masters'] }),
  ])
  const adminToken = randomBytes(24).toString('base64url')
  const tokenFile = join(path, 'tokens.csv')
  writeFileSync(tokenFile, `${adminToken},admin,admin,"system:masters"\n`, { mode: 0o600 })
  const apiServer = new APIServer({
    ...{ binaries, directory: path, address, port: await freePort(address) },
    ...{ etcdEndpoint: etcd.endpoint, caFile: authority.certFile, serving },
    ...{ admin: adminCertificate, serviceAccountKey, tokenFile },
    hasServiceAccounts: options.controllerManager ?? false,
    args: options.apiServerArgs ?? [],
  })
  const parts = { directory, authority, etcd, apiServer, binaries, adminToken, adminCertificate }
  try {
    await apiServer.start()
    return parts
  } catch (error) {
    await new ControlPlane(parts).stop()
    throw error
  }
}

const startPartsOnFreePort = async (options: KubernetesOptions): Promise<Parts> => {
  for (let tries = 1; ; tries += 1) {
    try {
      return await startParts(options)
    } catch (error) {
      const isTaken = String(error).includes('address already in use')
      if (!isTaken || tries === portTriesMax) throw error
    }
  }
}

/** Resolves when the API server is ready, its default namespace and the CRDs are there. */
export const startKubernetes = async (options: KubernetesOptions = {}): Promise<Kubernetes> => {
  const cluster = new ControlPlane(await startPartsOnFreePort(options))
  try {
    if (options.controllerManager === true) await cluster.startControllerManager(options.podCIDR)
    if (options.scheduler === true) await cluster.startScheduler()
    await cluster.waitForDefaults('namespace')
    await cluster.applyCRDs(...(options.crds ?? []))
    if (options.controllerManager === true) await cluster.waitForDefaults('service account')
    return cluster
  } catch (error) {
    await cluster.stop()
    throw error
  }
}
