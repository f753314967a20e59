/** The process: options, connections, signals, exit code. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { createEtcdDatastore } from '@hc-calico/datastore-etcd'
import { createKubernetesDatastore } from '@hc-calico/datastore-kdd'
import type { Datastore } from '@hc-calico/ipam-core/ports'
import { createKubeClient, type KubeClient } from '@hc-calico/kube-client'
import { createLog, type Log, reasonOf } from './log.ts'
import { type ProcessOptions, readOptions, usage } from './options.ts'
import { startController } from './run.ts'

const signals = ['SIGTERM', 'SIGINT'] as const
const exitCode = { good: 0, failed: 1, usage: 2 } as const

const version = (): string =>
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version

/** The adapter closes the client it is given, so each has its own. */
const openDatastore = async (options: ProcessOptions): Promise<Datastore> => {
  if (options.datastoreType === 'etcdv3') return createEtcdDatastore(options.etcd)
  const client = await createKubeClient(options.kube)
  const { apiGroup } = options
  return createKubernetesDatastore({ client, ...(apiGroup === undefined ? {} : { apiGroup }) })
}

/** Until told to stop; `forget` gives the signals back. */
const listenToSignals = (log: Log) => {
  let tell = (): void => undefined
  const told = new Promise<void>((resolve) => {
    tell = resolve
  })
  const onSignal = (signal: NodeJS.Signals): void => {
    log.info('Stopping', { signal })
    forget()
    tell()
  }
  const forget = (): void => {
    for (const signal of signals) process.off(signal, onSignal)
  }
  for (const signal of signals) process.on(signal, onSignal)
  return { told, forget }
}

const runUntilSignal = async (options: ProcessOptions, log: Log): Promise<void> => {
  const { told, forget } = listenToSignals(log)
  let client: KubeClient | undefined
  let datastore: Datastore | undefined
  try {
    client = await createKubeClient(options.kube)
    datastore = await openDatastore(options)
    const { datastoreType, settings, listen } = options
    // A random part: a process started anew under the same name must not take the term of the old.
    const identity = `${options.identity ?? hostname()}_${randomBytes(4).toString('hex')}`
    const controller = await startController({
      ...{ client, datastore, datastoreType, identity, settings, log, listen },
      hasProcessMetrics: true,
    })
    log.info('Started', { identity, datastore: datastoreType, port: controller.port })
    await told
    await controller.stop()
    log.info('Stopped')
  } finally {
    forget()
    await datastore?.close()
    await client?.close()
  }
}

/** Resolves to the exit code, after SIGTERM or SIGINT, or when it cannot start. */
export const main = async (
  args: ReadonlyArray<string> = process.argv.slice(2),
  env: NodeJS.ProcessEnv = process.env,
): Promise<number> => {
  if (args.includes('--help')) {
    process.stdout.write(usage())
    return exitCode.good
  }
  if (args.includes('--version')) {
    process.stdout.write(`${version()}\n`)
    return exitCode.good
  }
  let options: ProcessOptions
  try {
    options = readOptions(args, env)
  } catch (thrown) {
    process.stderr.write(`hc-calico-controller: ${reasonOf(thrown)}\n`)
    return exitCode.usage
  }
  const log = createLog(options.logLevel, (line) => void process.stderr.write(line))
  try {
    await runUntilSignal(options, log)
    return exitCode.good
  } catch (thrown) {
    log.error('The controller cannot run', { reason: reasonOf(thrown) })
    return exitCode.failed
  }
}
