/**
 * Which datastore a call uses, from the network configuration and, where it says nothing, from the
 * environment: Calico copies its fields over the environment and reads that. Nothing anywhere
 * means `local`: one machine, one file, no server.
 */
import { addressOf, canonicalCIDR, contains, prefixOf } from './addresses.ts'
import type { ConfigFields } from './config-fields.ts'
import { CNIFailure, cniErrorCode } from './skel/cni-error.ts'
import { type Environment, quoted } from './skel/command-args.ts'

/** A pool of the local datastore as the configuration states it; made when it is missing. */
export interface LocalPool {
  readonly name: string
  readonly cidr: string
  readonly blockSize: number
  readonly nodeSelector: string
  readonly namespaceSelector?: string
  readonly disabled: boolean
  readonly allowedUses: ReadonlyArray<'Workload' | 'Tunnel' | 'LoadBalancer'>
  readonly assignmentMode: 'Automatic' | 'Manual'
  readonly natOutgoing: boolean
  readonly disableBGPExport: boolean
}

export interface LocalDatastoreConfig {
  readonly type: 'local'
  readonly file: string
  readonly pools: ReadonlyArray<LocalPool>
  /** Addresses and CIDRs that automatic assignment never gives out. */
  readonly reservations: ReadonlyArray<string>
}

/** Files hold the credentials; inline ones (PEM) come from the environment only. */
export interface EtcdDatastoreConfig {
  readonly type: 'etcdv3'
  readonly endpoints: ReadonlyArray<string>
  readonly discoverySRV?: string
  readonly keyFile?: string
  readonly certFile?: string
  readonly caCertFile?: string
  readonly key?: string
  readonly cert?: string
  readonly caCert?: string
  readonly username?: string
  readonly password?: string
}

export interface KubernetesConfig {
  readonly kubeconfig?: string
  readonly apiRoot?: string
  readonly token?: string
  readonly clientCertificate?: string
  readonly clientKey?: string
  readonly certificateAuthority?: string
}

export interface KubernetesDatastoreConfig extends KubernetesConfig {
  readonly type: 'kubernetes'
  /** 0: the adapter's default. */
  readonly qps: number
  readonly burst: number
  readonly apiGroup?: 'crd.projectcalico.org/v1' | 'projectcalico.org/v3'
}

export type DatastoreConfig = LocalDatastoreConfig | EtcdDatastoreConfig | KubernetesDatastoreConfig

const defaultLocalFile = '/var/lib/hc-calico/datastore.sqlite'

/** The first that is set and not empty. */
const firstOf = (...candidates: ReadonlyArray<string | undefined>): string | undefined =>
  candidates.find((one) => one !== undefined && one !== '')

/** A path from the environment: absolute as in the configuration, or the call fails. */
const pathFrom = (env: Environment, name: string): string | undefined => {
  const value = firstOf(env[name])
  if (value === undefined || value.startsWith('/')) return value
  throw new CNIFailure(
    cniErrorCode.invalidEnvironment,
    `${name} must be an absolute path, but is ${quoted(value)}`,
  )
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

const present = <T extends object>(value: T): Present<T> =>
  Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as Present<T>

const etcdFrom = (config: ConfigFields, env: Environment): EtcdDatastoreConfig => {
  const authority = firstOf(config.etcd_authority, env.ETCD_AUTHORITY)
  const scheme = firstOf(config.etcd_scheme, env.ETCD_SCHEME) ?? 'http'
  const legacy = authority === undefined ? undefined : `${scheme}://${authority}`
  const listed = firstOf(config.etcd_endpoints, env.ETCD_ENDPOINTS, legacy) ?? ''
  return {
    type: 'etcdv3',
    endpoints: listed
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== ''),
    ...present({
      discoverySRV: firstOf(config.etcd_discovery_srv, env.ETCD_DISCOVERY_SRV),
      keyFile: firstOf(config.etcd_key_file, pathFrom(env, 'ETCD_KEY_FILE')),
      certFile: firstOf(config.etcd_cert_file, pathFrom(env, 'ETCD_CERT_FILE')),
      caCertFile: firstOf(config.etcd_ca_cert_file, pathFrom(env, 'ETCD_CA_CERT_FILE')),
      key: firstOf(env.ETCD_KEY),
      cert: firstOf(env.ETCD_CERT),
      caCert: firstOf(env.ETCD_CA_CERT),
      username: firstOf(env.ETCD_USERNAME),
      password: firstOf(env.ETCD_PASSWORD),
    }),
  }
}

const numberFrom = (configured: number | undefined, env: string | undefined): number => {
  if (configured !== undefined) return configured
  return env !== undefined && /^\d{1,6}$/.test(env) ? Number(env) : 0
}

/** How the Kubernetes API is reached; everything absent: it is not configured. */
export const kubernetesFrom = (config: ConfigFields, env: Environment): KubernetesConfig => {
  const legacyRoot = config.policy?.k8s_api_root?.split('/api/')[0]
  return present({
    kubeconfig: firstOf(config.kubernetes?.kubeconfig, pathFrom(env, 'KUBECONFIG')),
    apiRoot: firstOf(config.kubernetes?.k8s_api_root, legacyRoot, env.K8S_API_ENDPOINT),
    token: firstOf(config.policy?.k8s_auth_token, env.K8S_API_TOKEN),
    clientCertificate: firstOf(
      config.policy?.k8s_client_certificate,
      pathFrom(env, 'K8S_CERT_FILE'),
    ),
    clientKey: firstOf(config.policy?.k8s_client_key, pathFrom(env, 'K8S_KEY_FILE')),
    certificateAuthority: firstOf(
      config.policy?.k8s_certificate_authority,
      pathFrom(env, 'K8S_CA_FILE'),
    ),
  })
}

const apiGroups = ['crd.projectcalico.org/v1', 'projectcalico.org/v3'] as const

const kubernetesDatastoreFrom = (
  config: ConfigFields,
  env: Environment,
): KubernetesDatastoreConfig => {
  const group = firstOf(config.calico_api_group, env.CALICO_API_GROUP)
  const apiGroup = apiGroups.find((one) => one === group)
  return {
    type: 'kubernetes',
    ...kubernetesFrom(config, env),
    qps: numberFrom(config.qps, env.K8S_CLIENT_QPS),
    burst: numberFrom(config.burst, env.K8S_CLIENT_BURST),
    ...(apiGroup === undefined ? {} : { apiGroup }),
  }
}

/** Canonical text; the fields' codec has seen that it is a CIDR. */
const canonical = (cidr: string): string => canonicalCIDR(cidr) ?? cidr

const hasHostBits = (cidr: string): boolean => addressOf(cidr) !== addressOf(canonical(cidr))

const overlap = (one: string, other: string): boolean =>
  contains(one, addressOf(other)) || contains(other, addressOf(one))

/** `10.244.0.0/16` -> `local-10-244-0-0-16`. */
const poolNameFor = (cidr: string): string => `local-${cidr.replace(/[.:/]/g, '-')}`

const isIPv6 = (cidr: string): boolean => cidr.includes(':')

type ConfiguredPool = NonNullable<NonNullable<ConfigFields['local_datastore']>['ip_pools']>[number]

const poolFrom = (pool: ConfiguredPool): LocalPool => ({
  name: pool.name ?? poolNameFor(canonical(pool.cidr)),
  cidr: canonical(pool.cidr),
  blockSize: pool.blockSize ?? (isIPv6(pool.cidr) ? 122 : 26),
  nodeSelector: pool.nodeSelector ?? 'all()',
  ...(pool.namespaceSelector === undefined ? {} : { namespaceSelector: pool.namespaceSelector }),
  disabled: pool.disabled ?? false,
  allowedUses: pool.allowedUses ?? ['Workload', 'Tunnel'],
  assignmentMode: pool.assignmentMode ?? 'Automatic',
  natOutgoing: pool.natOutgoing ?? false,
  disableBGPExport: pool.disableBGPExport ?? false,
})

const localFrom = (config: ConfigFields): LocalDatastoreConfig => ({
  type: 'local',
  file: config.local_datastore?.file ?? defaultLocalFile,
  pools: (config.local_datastore?.ip_pools ?? []).map(poolFrom),
  reservations: config.local_datastore?.reservations ?? [],
})

const blockSizeProblem = (pool: LocalPool): string | undefined => {
  const [min, max] = isIPv6(pool.cidr) ? [116, 128] : [20, 32]
  if (pool.blockSize < min || pool.blockSize > max) {
    return `.blockSize must be from ${min} to ${max}, but is ${pool.blockSize}`
  }
  const prefix = prefixOf(pool.cidr)
  if (prefix <= pool.blockSize) return undefined
  return `: the pool ${pool.cidr} is smaller than its blocks: blockSize must be at least ${prefix}`
}

/** What a pool's own fields cannot say one by one: how they fit together. */
export const localPoolProblems = (config: ConfigFields): ReadonlyArray<string> => {
  const configured = config.local_datastore?.ip_pools ?? []
  const pools = configured.map(poolFrom)
  return pools.flatMap((pool, i) => {
    const written = configured[i]?.cidr ?? ''
    const earlier = pools.slice(0, i)
    const sameName = earlier.some((other) => other.name === pool.name)
    const other = earlier.find(({ cidr }) => overlap(cidr, pool.cidr))
    const problems = [
      hasHostBits(written)
        ? `.cidr ${quoted(written)} has host bits: write ${pool.cidr}`
        : undefined,
      blockSizeProblem(pool),
      sameName ? `.name ${quoted(pool.name)} is used by two pools` : undefined,
      other === undefined ? undefined : `: the pool ${pool.cidr} overlaps the pool ${other.cidr}`,
    ]
    return problems
      .filter((problem) => problem !== undefined)
      .map((problem) => `local_datastore.ip_pools[${i}]${problem}`)
  })
}

/** Which backend: stated, else stated by the environment, else what the other fields imply. */
const backendOf = (config: ConfigFields, env: Environment): DatastoreConfig['type'] => {
  const stated = firstOf(config.datastore_type)
  if (stated !== undefined) return stated as DatastoreConfig['type']
  if (config.local_datastore !== undefined) return 'local'
  const fromEnv = firstOf(env.DATASTORE_TYPE)
  if (fromEnv === 'etcdv3' || fromEnv === 'kubernetes' || fromEnv === 'local') return fromEnv
  if (fromEnv !== undefined) {
    throw new CNIFailure(
      cniErrorCode.invalidEnvironment,
      `DATASTORE_TYPE must be "local", "etcdv3" or "kubernetes", but is ${quoted(fromEnv)}`,
    )
  }
  const etcd = etcdFrom(config, env)
  if (etcd.endpoints.length > 0 || etcd.discoverySRV !== undefined) return 'etcdv3'
  return firstOf(config.kubernetes?.kubeconfig) === undefined ? 'local' : 'kubernetes'
}

export const datastoreFrom = (config: ConfigFields, env: Environment): DatastoreConfig => {
  switch (backendOf(config, env)) {
    case 'local':
      return localFrom(config)
    case 'etcdv3':
      return etcdFrom(config, env)
    case 'kubernetes':
      return kubernetesDatastoreFrom(config, env)
  }
}
