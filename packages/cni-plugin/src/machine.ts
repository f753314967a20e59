/**
 * Port: the machine a call runs on. Everything a command does outside its own memory goes through
 * here, so that tests run the commands in process; the real one is machine/real-machine.ts.
 */
import type { IPAM } from '@hc-calico/ipam-core'
import type { Clock, Datastore, Observation } from '@hc-calico/ipam-core/ports'
import type { KubeClient } from '@hc-calico/kube-client/lean'
import type { DatastoreConfig, KubernetesConfig } from './config-datastore.ts'
import type { Dataplane, HostLock, Notes } from './dataplane/dataplane.ts'
import type { Environment } from './skel/command-args.ts'

export interface Execution {
  readonly file: string
  readonly env: Environment
  readonly stdin: string
  /** The process is killed after it. */
  readonly waitMsMax: number
}

export interface Executed {
  /** Null: killed by a signal. */
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Machine {
  readonly env: Environment
  readonly pid: number
  readonly clock: Clock
  /** Loaded on first use: only the main plugin needs it. */
  dataplane(notes: Notes): Promise<Dataplane>
  hostLock(notes: Notes): Promise<HostLock>
  /** `node`: whose Node object a datastore that has no other source for it makes. */
  openDatastore(config: DatastoreConfig, node: string): Promise<Datastore>
  /** Its operations end after so long. */
  openIPAM(datastore: Datastore, msMax: number, observe: (observation: Observation) => void): IPAM
  /** Access to the Kubernetes API; rejects with KubeConfigError. Connects with the first request. */
  kubeClient(config: KubernetesConfig): Promise<KubeClient>
  /** The file as UTF-8, at most `bytesMax` of it; undefined when there is none. */
  readText(path: string, bytesMax: number): Promise<string | undefined>
  hostname(): string
  isExecutable(path: string): Promise<boolean>
  execute(execution: Execution): Promise<Executed>
  /** HTTP status of a GET that follows no redirect; rejects when there is no answer in time. */
  httpStatus(url: string, waitMsMax: number): Promise<number>
}
