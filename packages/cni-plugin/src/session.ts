/**
 * One call with everything it needs: configuration, log, node name, and the datastore, which is
 * opened when it is first used. A call that is refused before that leaves no trace in it.
 */
import type { Datastore } from '@hc-calico/ipam-core/ports'
import { asksKubernetes, type PluginConfig, readConfig } from './config.ts'
import { asCNIFailure } from './failures.ts'
import { type Logger, openLog } from './logging.ts'
import type { Machine } from './machine.ts'
import { nodeNameOf } from './node-name.ts'
import type { PluginCall } from './skel/run-plugin.ts'
import { runtimeWorkloadSource, type WorkloadSource } from './workload-source.ts'

/** What taking addresses and giving them back needs of a call. */
export interface AddressSession {
  readonly config: Pick<PluginConfig, 'ipamLockFile' | 'servicePoolNamespace'>
  readonly machine: Pick<Machine, 'clock' | 'hostLock' | 'openIPAM'>
  readonly log: Logger
  /** Calico's name of this node. */
  readonly node: string
  readonly workloads: WorkloadSource
  /** The one connection of this call. */
  datastore(): Promise<Datastore>
}

export interface Session extends AddressSession {
  readonly call: PluginCall
  readonly config: PluginConfig
  readonly machine: Machine
}

const openedOnce = (machine: Machine, config: PluginConfig, node: string) => {
  let opened: Promise<Datastore> | undefined
  return {
    open: () => {
      opened ??= machine.openDatastore(config.datastore, node)
      return opened
    },
    close: async () => {
      if (opened === undefined) return
      const datastore = await opened.catch(() => undefined)
      await datastore?.close()
    },
  }
}

/** The API knows more of a pod than the runtime passes; loaded only where it is configured. */
const workloadSourceOf = async (
  machine: Machine,
  config: PluginConfig,
): Promise<WorkloadSource> => {
  const runtime = runtimeWorkloadSource(config.podAnnotations, config.servicePools)
  if (!asksKubernetes(config)) return runtime
  const { kubernetesWorkloadSource } = await import('./kubernetes-workload-source.ts')
  return kubernetesWorkloadSource(machine, config, runtime)
}

const nowOf = (machine: Machine) => () => new Date(Number(machine.clock.now() / 1_000_000n))

export interface SessionOptions {
  /** For the log. */
  readonly plugin: string
  /** Whether a missing nodename file fails the call. */
  readonly gated: boolean
}

/** Runs a command in a session; whatever it throws leaves as a CNIFailure, logged once. */
export const withSession = async <A>(
  machine: Machine,
  call: PluginCall,
  options: SessionOptions,
  body: (session: Session) => Promise<A>,
): Promise<A> => {
  const config = readConfig(call.conf, machine.env)
  const log = openLog(config.log, { plugin: options.plugin, pid: machine.pid }, nowOf(machine))
  const { command, containerID, ifName } = call.args
  const about = { command, network: config.network, containerID, ifName }
  try {
    const node = await nodeNameOf(config, machine, options.gated)
    log.debug('Call', { ...about, node, datastore: config.datastore.type })
    const workloads = await workloadSourceOf(machine, config)
    const datastore = openedOnce(machine, config, node)
    const session = { call, config, machine, log, node, workloads, datastore: datastore.open }
    try {
      return await body(session)
    } finally {
      await datastore.close()
    }
  } catch (thrown) {
    const failure = asCNIFailure(thrown)
    log.error('Call failed', { ...about, code: failure.code, reason: failure.message })
    throw failure
  } finally {
    log.close()
  }
}
