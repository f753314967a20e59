/**
 * Our network configuration as plain data with defaults filled in: the only form the commands see.
 * All wrong fields are reported in one error.
 */
import type { ServiceIPPool } from '@hc-calico/crd-types/harmonycloud'
import { isLeft } from 'fp-ts/lib/Either.js'
import {
  type DatastoreConfig,
  datastoreFrom,
  type KubernetesConfig,
  kubernetesFrom,
  localPoolProblems,
} from './config-datastore.ts'
import { type ConfigFields, configFields } from './config-fields.ts'
import { CNIFailure, cniErrorCode } from './skel/cni-error.ts'
import { sentences } from './skel/codecs.ts'
import { type Environment, interfaceNameProblem, quoted } from './skel/command-args.ts'
import type { NetConf } from './skel/net-conf.ts'
import type { SpecVersion } from './skel/spec-version.ts'

export type LogLevel = 'debug' | 'info' | 'warning' | 'error'

export interface LogConfig {
  readonly level: LogLevel
  /** Absent: stderr. */
  readonly file?: string
  readonly sizeMBMax: number
  readonly ageDaysMax: number
  readonly filesMax: number
}

export interface IPAMConfigSection {
  /** Executable that gives the addresses; absent in the configuration of some IPAM calls. */
  readonly type: string | undefined
  readonly assignIPv4: boolean
  readonly assignIPv6: boolean
  /** Names or CIDRs, in order of preference; empty: every pool that selects this node. */
  readonly ipv4Pools: ReadonlyArray<string>
  readonly ipv6Pools: ReadonlyArray<string>
  /** Destinations of `ipam.routes`. */
  readonly routes: ReadonlyArray<string>
}

export interface PluginConfig {
  readonly network: string
  readonly cniVersion: SpecVersion
  /** `type`: the main plugin, whoever reads it. */
  readonly mainPlugin: string | undefined
  readonly ipam: IPAMConfigSection
  readonly ipamLockFile: string
  readonly datastore: DatastoreConfig
  readonly kubernetes: KubernetesConfig
  /** `kubernetes.node_name`: whose pod CIDRs stand for `usePodCidr`; absent: this node's. */
  readonly podCIDRNode: string | undefined
  /** Service pools that the configuration states itself. */
  readonly servicePools: ReadonlyArray<ServiceIPPool>
  /** Where a service pool is looked for after the pod's own namespace. */
  readonly servicePoolNamespace: string
  readonly nodeName: {
    readonly stated: string | undefined
    readonly file: string
    readonly fileOptional: boolean
    readonly hostname: string | undefined
  }
  readonly policyType: '' | 'k8s'
  readonly mtu: number
  readonly requireMTUFile: boolean
  readonly numQueues: number
  readonly deviceType: 'veth' | 'netkit'
  readonly interfacePrefix: string
  readonly allowIPForwarding: boolean
  readonly includeDefaultRoutes: boolean
  readonly features: { readonly ipAddrsNoIPAM: boolean; readonly floatingIPs: boolean }
  readonly readinessGates: ReadonlyArray<string>
  readonly policySetupTimeoutSeconds: number
  readonly endpointStatusDir: string
  /** Annotations the runtime passed; empty when it passed none. */
  readonly podAnnotations: Readonly<Record<string, string>>
  readonly mesosLabels: ReadonlyArray<{ readonly key: string; readonly value: string }>
  readonly log: LogConfig
}

/** Whether facts about pods and namespaces come from the Kubernetes API. */
export const asksKubernetes = ({ datastore, kubernetes, policyType }: PluginConfig): boolean =>
  datastore.type === 'kubernetes' ||
  kubernetes.kubeconfig !== undefined ||
  (policyType === 'k8s' && kubernetes.apiRoot !== undefined)

const levelOf = (text: string | undefined): LogLevel => {
  const level = (text ?? '').toLowerCase()
  if (level === 'debug' || level === 'warning' || level === 'error') return level
  return level === 'warn' ? 'warning' : 'info'
}

const logFrom = (config: ConfigFields): LogConfig => ({
  level: levelOf(config.log_level),
  ...(config.log_file_path ? { file: config.log_file_path } : {}),
  sizeMBMax: config.log_file_max_size || 100,
  ageDaysMax: config.log_file_max_age || 30,
  filesMax: config.log_file_max_count || 10,
})

const isWord = (value: string | boolean | undefined, word: 'true' | 'false'): boolean =>
  value !== undefined && String(value) === word

/** IPv4 unless exactly "false", IPv6 only when exactly "true": Calico's rule. */
const ipamFrom = (ipam: ConfigFields['ipam']): IPAMConfigSection => ({
  type: ipam?.type,
  assignIPv4: !isWord(ipam?.assign_ipv4, 'false'),
  assignIPv6: isWord(ipam?.assign_ipv6, 'true'),
  ipv4Pools: ipam?.ipv4_pools ?? [],
  ipv6Pools: ipam?.ipv6_pools ?? [],
  routes: (ipam?.routes ?? []).map((route) => route.dst),
})

const interfacePrefixLengthMax = 4

/** Eleven characters follow the prefix, and an interface name has at most fifteen. */
const interfacePrefixFrom = (env: Environment): string => {
  const prefix = (env.FELIX_INTERFACEPREFIX ?? '').split(',')[0]?.trim() || 'cali'
  if (prefix.length <= interfacePrefixLengthMax && interfaceNameProblem(prefix) === undefined) {
    return prefix
  }
  throw new CNIFailure(
    cniErrorCode.invalidEnvironment,
    `FELIX_INTERFACEPREFIX must begin with a prefix of at most ${interfacePrefixLengthMax} characters, but is ${quoted(prefix)}`,
  )
}

const refuseOtherDataplanes = (config: ConfigFields): void => {
  const type = config.dataplane_options?.type ?? ''
  if (type === '' || type.toLowerCase() === 'linux') return
  throw new CNIFailure(
    cniErrorCode.unsupportedField,
    `dataplane_options.type ${quoted(type)} is not supported: leave it out, or write "linux"`,
  )
}

const nodeNameFrom = (config: ConfigFields, datastore: DatastoreConfig) => ({
  stated: config.nodename || undefined,
  file: config.nodename_file || '/var/lib/calico/nodename',
  // No calico/node runs beside the local datastore, so its file cannot be a gate there.
  fileOptional: datastore.type === 'local' || (config.nodename_file_optional ?? false),
  hostname: config.hostname || undefined,
})

const wiringFrom = (config: ConfigFields, env: Environment) => ({
  mtu: config.mtu ?? 0,
  requireMTUFile: config.require_mtu_file ?? false,
  numQueues: config.num_queues || 1,
  deviceType: config.device_type || ('veth' as const),
  interfacePrefix: interfacePrefixFrom(env),
  allowIPForwarding: config.container_settings?.allow_ip_forwarding ?? false,
  includeDefaultRoutes: config.include_default_routes ?? false,
  readinessGates: config.readiness_gates ?? [],
  policySetupTimeoutSeconds: config.policy_setup_timeout_seconds ?? 0,
  endpointStatusDir: config.endpoint_status_dir || '/var/run/calico/endpoint-status',
})

const mesosLabelsFrom = (config: ConfigFields) =>
  (config.args?.['org.apache.mesos']?.network_info?.labels?.labels ?? []).map((label) => ({
    key: label.key,
    value: label.value ?? '',
  }))

const servicePoolsFrom = (config: ConfigFields): ReadonlyArray<ServiceIPPool> =>
  (config.service_ip_pools ?? []).map((one) => ({
    namespace: '',
    name: one.name,
    ipv4Pools: one.ipv4poolList ?? [],
    disabledIPv4Pools: one.disabledIPv4PoolList ?? [],
    ipv6Pools: one.ipv6poolList ?? [],
    disabledIPv6Pools: one.disabledIPv6PoolList ?? [],
  }))

const decode = (conf: NetConf): ConfigFields => {
  const decoded = configFields.decode(conf.raw)
  const problems = isLeft(decoded)
    ? sentences(decoded.left, 'the document')
    : localPoolProblems(decoded.right)
  if (!isLeft(decoded) && problems.length === 0) return decoded.right
  throw new CNIFailure(
    cniErrorCode.invalidNetworkConfig,
    `invalid network configuration: ${problems.join('; ')}`,
  )
}

/** Throws code 7 with every wrong field, 2 for what we cannot do, 4 for the environment. */
export const readConfig = (conf: NetConf, env: Environment): PluginConfig => {
  const config = decode(conf)
  refuseOtherDataplanes(config)
  const datastore = datastoreFrom(config, env)
  return {
    network: conf.name,
    cniVersion: conf.cniVersion,
    mainPlugin: conf.type,
    ipam: ipamFrom(config.ipam),
    ipamLockFile: config.ipam_lock_file || '/var/run/calico/ipam.lock',
    datastore,
    kubernetes: kubernetesFrom(config, env),
    podCIDRNode: config.kubernetes?.node_name || undefined,
    servicePools: servicePoolsFrom(config),
    servicePoolNamespace: config.service_ip_pool_namespace || 'kube-system',
    nodeName: nodeNameFrom(config, datastore),
    policyType: config.policy?.type ?? '',
    ...wiringFrom(config, env),
    features: {
      ipAddrsNoIPAM: config.feature_control?.ip_addrs_no_ipam ?? false,
      floatingIPs: config.feature_control?.floating_ips ?? false,
    },
    podAnnotations: config.runtimeConfig?.['io.kubernetes.cri.pod-annotations'] ?? {},
    mesosLabels: mesosLabelsFrom(config),
    log: logFrom(config),
  }
}
