/**
 * The command line and the environment as options. A flag counts more than the variable of the same
 * name in capitals; the variables of datastores and of the Kubernetes API are Calico's. Every
 * mistake is one sentence that names the option.
 */
import { parseArgs } from 'node:util'
import type { EtcdOptions } from '@hc-calico/datastore-etcd'
import type { KubeClientOptions } from '@hc-calico/kube-client'
import { electionLimitsFault } from './decisions/leader-election.ts'
import { type LogLevel, logLevels } from './log.ts'
import { type ControllerSettings, defaultSettings } from './settings.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface ProcessOptions {
  readonly datastoreType: 'kubernetes' | 'etcdv3'
  readonly apiGroup?: 'crd.projectcalico.org/v1' | 'projectcalico.org/v3'
  readonly etcd: EtcdOptions
  readonly kube: KubeClientOptions
  readonly identity?: string
  readonly listen: { readonly host: string; readonly port: number }
  readonly logLevel: LogLevel
  readonly settings: ControllerSettings
}

/** What the person who started it should read. */
export class UsageError extends Error {}

interface Flag {
  readonly env: string
  readonly fallback?: string
  readonly about: string
}

const flags = {
  'datastore-type': {
    env: 'DATASTORE_TYPE',
    about: 'kubernetes or etcdv3; default: etcdv3 where etcd endpoints are given',
  },
  'api-group': {
    env: 'CALICO_API_GROUP',
    about: "Calico's API group; found out by itself when left out",
  },
  kubeconfig: { env: 'KUBECONFIG', about: "default: the pod's service account" },
  qps: { env: 'K8S_CLIENT_QPS', fallback: '50', about: 'requests per second; 0: no limit' },
  'etcd-endpoints': { env: 'ETCD_ENDPOINTS', about: 'separated by commas' },
  'etcd-ca-cert-file': { env: 'ETCD_CA_CERT_FILE', about: 'PEM' },
  'etcd-cert-file': { env: 'ETCD_CERT_FILE', about: 'PEM' },
  'etcd-key-file': { env: 'ETCD_KEY_FILE', about: 'PEM' },
  namespace: {
    env: 'POD_NAMESPACE',
    fallback: defaultSettings.namespace,
    about: 'of the lease',
  },
  'lease-name': { env: 'LEASE_NAME', fallback: defaultSettings.leaseName, about: '' },
  identity: { env: 'POD_NAME', about: 'who this replica is; default: host name and a random part' },
  listen: { env: 'LISTEN', fallback: ':9094', about: 'HOST:PORT of metrics and health' },
  'log-level': { env: 'LOG_LEVEL', fallback: 'info', about: 'debug, info, warning or error' },
  'service-pool-namespace': {
    env: 'SERVICE_IP_POOL_NAMESPACE',
    fallback: defaultSettings.servicePoolNamespace,
    about: "where service pools are looked for after the pod's namespace",
  },
  'leak-grace': {
    env: 'LEAK_GRACE_PERIOD',
    fallback: '15m',
    about: 'how old a suspicion must be before an address is collected',
  },
  'retention-grace': {
    env: 'RETENTION_GRACE_PERIOD',
    fallback: '1m',
    about: 'how long a set must be gone before that is believed',
  },
  'unknown-retention': {
    env: 'UNKNOWN_RETENTION_PERIOD',
    fallback: '1h',
    about: 'how long addresses are kept whose set is gone and whose retention nobody knows',
  },
  'garbage-dry-run': {
    env: 'GARBAGE_DRY_RUN',
    fallback: 'false',
    about: 'true: garbage collection only says what it would do',
  },
  'lease-duration': { env: 'LEASE_DURATION', fallback: '15s', about: '' },
  'renew-deadline': { env: 'RENEW_DEADLINE', fallback: '10s', about: '' },
  'retry-period': { env: 'RETRY_PERIOD', fallback: '2s', about: '' },
} as const satisfies Readonly<Record<string, Flag>>

type FlagName = keyof typeof flags

export const usage = (): string => {
  const rows = Object.entries<Flag>(flags).map(([name, { env, fallback, about }]) => {
    const told = [about, fallback === undefined ? '' : `default ${fallback}`].filter(Boolean)
    return `  --${name.padEnd(24)} ${env.padEnd(28)} ${told.join('; ')}`
  })
  const head = 'hc-calico-controller: keeps fixed addresses, service pools and allocations true.'
  return `${head}\n\nFlags, and the variables that stand for them:\n${rows.join('\n')}\n  --help, --version\n`
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** `15m`, `1m30s`, `500ms`: as Go writes durations. Undefined: it is none. */
export const durationMs = (text: string): number | undefined => {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined
  let total = 0
  for (const [, number = '', unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g))
    total += Number(number) * (units[unit] as number)
  return total
}

type Ask = (name: FlagName) => string | undefined

const needDuration = (ask: Ask, name: FlagName): number => {
  const text = ask(name) ?? ''
  const ms = durationMs(text)
  if (ms !== undefined) return ms
  throw new UsageError(`--${name} must be a duration such as 15m or 10s, but is "${text}"`)
}

const needOneOf = <T extends string>(ask: Ask, name: FlagName, choices: ReadonlyArray<T>): T => {
  const text = ask(name)
  const found = choices.find((one) => one === text)
  if (found !== undefined) return found
  throw new UsageError(`--${name} must be ${choices.join(' or ')}, but is "${text ?? ''}"`)
}

const listenOf = (ask: Ask): ProcessOptions['listen'] => {
  const text = ask('listen') ?? ''
  const parts = /^(.*):(\d{1,5})$/.exec(text)
  const port = Number(parts?.[2])
  if (parts === null || port > 65535) {
    throw new UsageError(`--listen must be HOST:PORT or :PORT, but is "${text}"`)
  }
  const host = (parts[1] ?? '').replace(/^\[(.*)\]$/, '$1')
  return { host: host === '' ? '::' : host, port }
}

const electionOf = (ask: Ask): ControllerSettings['election'] => {
  const limits = {
    leaseDurationMs: needDuration(ask, 'lease-duration'),
    renewDeadlineMs: needDuration(ask, 'renew-deadline'),
    retryPeriodMs: needDuration(ask, 'retry-period'),
  }
  const fault = electionLimitsFault(limits)
  if (fault === undefined) return limits
  throw new UsageError(`--lease-duration, --renew-deadline and --retry-period: ${fault}`)
}

const settingsOf = (ask: Ask): ControllerSettings => ({
  ...defaultSettings,
  namespace: ask('namespace') ?? defaultSettings.namespace,
  leaseName: ask('lease-name') ?? defaultSettings.leaseName,
  servicePoolNamespace: ask('service-pool-namespace') ?? defaultSettings.servicePoolNamespace,
  leakGraceMs: needDuration(ask, 'leak-grace'),
  retentionGraceMs: needDuration(ask, 'retention-grace'),
  unknownRetentionMs: needDuration(ask, 'unknown-retention'),
  isCollectionDry: needOneOf(ask, 'garbage-dry-run', ['false', 'true'] as const) === 'true',
  election: electionOf(ask),
})

const present = <T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as never

const etcdOf = (ask: Ask, env: Environment): EtcdOptions => ({
  endpoints: (ask('etcd-endpoints') ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== ''),
  ...present({
    caCertFile: ask('etcd-ca-cert-file'),
    certFile: ask('etcd-cert-file'),
    keyFile: ask('etcd-key-file'),
    discoverySRV: env.ETCD_DISCOVERY_SRV,
    username: env.ETCD_USERNAME,
    password: env.ETCD_PASSWORD,
  }),
})

const askFrom = (args: ReadonlyArray<string>, env: Environment): Ask & { isSet?: never } => {
  const options = Object.fromEntries(
    Object.keys(flags).map((name) => [name, { type: 'string' as const }]),
  )
  let values: Readonly<Record<string, string | undefined>>
  try {
    values = parseArgs({ args: [...args], options }).values as typeof values
  } catch (cause) {
    throw new UsageError((cause as Error).message)
  }
  return (name) => {
    const { env: variable, fallback }: Flag = flags[name]
    return [values[name], env[variable], fallback].find((one) => one !== undefined && one !== '')
  }
}

/** Throws UsageError. */
export const readOptions = (args: ReadonlyArray<string>, env: Environment): ProcessOptions => {
  const ask = askFrom(args, env)
  const etcd = etcdOf(ask, env)
  const hasEtcd = (etcd.endpoints ?? []).length > 0 || etcd.discoverySRV !== undefined
  const type: Ask = (name) => ask(name) ?? (hasEtcd ? 'etcdv3' : 'kubernetes')
  const qps = ask('qps') ?? ''
  if (!/^\d{1,6}$/.test(qps)) throw new UsageError(`--qps must be a number, but is "${qps}"`)
  const groups = ['crd.projectcalico.org/v1', 'projectcalico.org/v3'] as const
  const hasGroup = ask('api-group') !== undefined
  return {
    datastoreType: needOneOf(type, 'datastore-type', ['kubernetes', 'etcdv3'] as const),
    ...(hasGroup ? { apiGroup: needOneOf(ask, 'api-group', groups) } : {}),
    etcd,
    kube: { qps: Number(qps), ...present({ kubeconfig: ask('kubeconfig') }) },
    ...present({ identity: ask('identity') }),
    listen: listenOf(ask),
    logLevel: needOneOf(ask, 'log-level', logLevels),
    settings: settingsOf(ask),
  }
}
