/**
 * A client of the Container Runtime Interface, as kubelet is one: it makes pods and takes them away
 * again, and asks what they have become.
 */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import {
  type Client,
  credentials,
  loadPackageDefinition,
  type ServiceClientConstructor,
} from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'

export interface PodSpec {
  readonly name: string
  readonly namespace?: string
  /** Default: a new one. */
  readonly uid?: string
  /** Counts up when the same pod gets a new sandbox. */
  readonly attempt?: number
  readonly annotations?: Readonly<Record<string, string>>
  readonly ports?: ReadonlyArray<{ readonly container: number; readonly host: number }>
}

/** A pod that runs. */
export interface PodSandbox {
  readonly id: string
  readonly config: PodSandboxConfig
}

export interface PodSandboxConfig {
  readonly metadata: {
    readonly name: string
    readonly uid: string
    readonly namespace: string
    readonly attempt: number
  }
  readonly annotations: Readonly<Record<string, string>>
  readonly [field: string]: unknown
}

export interface PodStatus {
  readonly isReady: boolean
  /** The first one first. */
  readonly addresses: ReadonlyArray<string>
}

export interface ExecResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface CRI {
  /** `NetworkReady` or the reason why not. */
  networkCondition(): Promise<string>
  runPod(spec: PodSpec): Promise<PodSandbox>
  podStatus(id: string): Promise<PodStatus>
  stopPod(id: string): Promise<void>
  removePod(id: string): Promise<void>
  /** All there are, stopped ones too. */
  listPods(): Promise<ReadonlyArray<string>>
  /** Creates and starts a container that sleeps; its id. */
  runContainer(pod: PodSandbox, name: string): Promise<string>
  exec(containerID: string, ...command: ReadonlyArray<string>): Promise<ExecResult>
  close(): void
}

export interface CRIOptions {
  readonly socket: string
  readonly cgroupParent: string
  readonly image: string
}

const callTimeoutMs = 60_000
const execTimeoutSeconds = 20

type Method = (
  request: object,
  options: { readonly deadline: number },
  done: (error: Error | null, reply: Record<string, unknown>) => void,
) => void

const loadService = (): ServiceClientConstructor => {
  const settings = { keepCase: true, longs: Number, defaults: true }
  const definition = loadSync(join(import.meta.dirname, 'cri.proto'), settings)
  const root = loadPackageDefinition(definition) as unknown as {
    readonly runtime: { readonly v1: { readonly RuntimeService: ServiceClientConstructor } }
  }
  return root.runtime.v1.RuntimeService
}

interface NetworkStatus {
  readonly ip: string
  readonly additional_ips: ReadonlyArray<{ readonly ip: string }>
}

class CRIClient implements CRI {
  readonly #client: Client
  readonly #options: CRIOptions

  constructor(options: CRIOptions) {
    const Service = loadService()
    this.#options = options
    this.#client = new Service(`unix://${options.socket}`, credentials.createInsecure())
  }

  #call(method: string, request: object): Promise<Record<string, unknown>> {
    const call = (this.#client as unknown as Record<string, Method>)[method] as Method
    const options = { deadline: Date.now() + callTimeoutMs }
    return new Promise((resolve, reject) => {
      call.call(this.#client, request, options, (error, reply) =>
        error === null ? resolve(reply) : reject(error),
      )
    })
  }

  async networkCondition(): Promise<string> {
    const { status } = (await this.#call('Status', {})) as {
      status: { conditions: { type: string; status: boolean; reason: string; message: string }[] }
    }
    const network = status.conditions.find((condition) => condition.type === 'NetworkReady')
    if (network?.status === true) return 'NetworkReady'
    return `${network?.reason}: ${network?.message}`
  }

  #configOf(spec: PodSpec): PodSandboxConfig {
    const { name, namespace = 'default', uid = randomUUID(), attempt = 0 } = spec
    return {
      metadata: { name, namespace, uid, attempt },
      hostname: name,
      annotations: spec.annotations ?? {},
      port_mappings: (spec.ports ?? []).map((port) => ({
        protocol: 0,
        container_port: port.container,
        host_port: port.host,
      })),
      linux: { cgroup_parent: this.#options.cgroupParent },
    }
  }

  async runPod(spec: PodSpec): Promise<PodSandbox> {
    const config = this.#configOf(spec)
    const { id } = await this.#call('RunPodSandbox', { config })
    return { id: id as string, config }
  }

  async podStatus(id: string): Promise<PodStatus> {
    const { status } = (await this.#call('PodSandboxStatus', { id })) as {
      status: { state: number; network: NetworkStatus | null }
    }
    const { ip = '', additional_ips = [] } = status.network ?? {}
    const addresses = [ip, ...additional_ips.map((one) => one.ip)].filter((one) => one !== '')
    return { isReady: status.state === 0, addresses }
  }

  async stopPod(id: string): Promise<void> {
    await this.#call('StopPodSandbox', { id })
  }

  async removePod(id: string): Promise<void> {
    await this.#call('RemovePodSandbox', { id })
  }

  async listPods(): Promise<ReadonlyArray<string>> {
    const { items } = (await this.#call('ListPodSandbox', {})) as { items: { id: string }[] }
    return items.map((item) => item.id)
  }

  async runContainer(pod: PodSandbox, name: string): Promise<string> {
    const { id } = await this.#call('CreateContainer', {
      pod_sandbox_id: pod.id,
      config: {
        metadata: { name },
        image: { image: this.#options.image },
        command: ['/bin/sleep', '1000000'],
      },
      sandbox_config: pod.config,
    })
    await this.#call('StartContainer', { id })
    return id as string
  }

  async exec(containerID: string, ...command: ReadonlyArray<string>): Promise<ExecResult> {
    const reply = (await this.#call('ExecSync', {
      container_id: containerID,
      cmd: command,
      timeout: execTimeoutSeconds,
    })) as { exit_code: number; stdout: Buffer; stderr: Buffer }
    const { exit_code, stdout, stderr } = reply
    return { exitCode: exit_code, stdout: stdout.toString(), stderr: stderr.toString() }
  }

  close(): void {
    this.#client.close()
  }
}

export const createCRI = (options: CRIOptions): CRI => new CRIClient(options)
