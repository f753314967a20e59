/**
 * The codec of our network configuration: every field that applies on Linux, with the sentence a
 * wrong one gets. Names and meaning are Calico's; `local_datastore` and the datastore type `local`
 * are ours. Fields for Windows are accepted and ignored, as is everything unknown.
 */
import * as t from 'io-ts'
import { isAddressText, isCIDRText } from './skel/address-text.ts'
import {
  anyObject,
  fields,
  fieldsWith,
  flag,
  listOf,
  oneOf,
  text,
  textMap,
  textThat,
  wholeNumber,
} from './skel/codecs.ts'

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const isPath = (value: string): boolean => value.startsWith('/') && !/[\u0000-\u001f]/.test(value)

/** Nothing is ever read from or written to the working directory. */
const absolutePath = textThat('an absolute path', isPath)
const absolutePathOrNothing = textThat(
  'an absolute path, or "" for none',
  (value) => value === '' || isPath(value),
)

/** Node names end up in keys, paths and object names. */
export const isNodeName = (value: string): boolean =>
  value.length <= 253 && /^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$/.test(value)

export const nodeNameRule =
  'at most 253 letters, digits, "_", "." and "-", with a letter or digit first and last'

const nodeName = textThat(nodeNameRule, (value) => value === '' || isNodeName(value))

/** The name of an executable in CNI_PATH. */
const pluginName = textThat(
  'the name of a plugin: letters, digits, "_", "." and "-", no path',
  (value) => /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(value),
)

export const isResourceName = (value: string): boolean =>
  value.length <= 253 && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(value)

/** DNS-1123. */
const namespaceOrNothing = textThat(
  'the name of a namespace (at most 63 lower-case letters, digits and "-")',
  (value) => value === '' || (value.length <= 63 && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(value)),
)

const resourceName = textThat(
  'a name of at most 253 lower-case letters, digits, "." and "-"',
  isResourceName,
)

const poolReference = textThat(
  'the name or the CIDR of an IP pool',
  (value) => isCIDRText(value) || isResourceName(value),
)

const cidr = textThat('a CIDR, such as 10.244.0.0/16', isCIDRText)
const reservation = textThat(
  'an address or a CIDR',
  (value) => isCIDRText(value) || isAddressText(value),
)

const isHTTPURL = (value: string): boolean => {
  try {
    return /^https?:$/.test(new URL(value).protocol)
  } catch {
    return false
  }
}
const httpURL = textThat('an http or https URL', isHTTPURL)
const urlOrNothing = textThat(
  'an http or https URL, or "" for none',
  (value) => value === '' || isHTTPURL(value),
)

/** Calico reads only the exact words; JSON booleans are what people write, so they count too. */
const assign = new t.Type<string | boolean, string | boolean, unknown>(
  '"true" or "false"',
  (u): u is string | boolean => typeof u === 'string' || typeof u === 'boolean',
  (u, context) =>
    typeof u === 'string' || typeof u === 'boolean' ? t.success(u) : t.failure(u, context),
  t.identity,
)

const route = fieldsWith({ dst: cidr }, {})
const range = fields({ subnet: text })

export const ipamFields = fields({
  type: pluginName,
  name: text,
  subnet: text,
  assign_ipv4: assign,
  assign_ipv6: assign,
  ipv4_pools: listOf(poolReference),
  ipv6_pools: listOf(poolReference),
  ranges: listOf(listOf(range)),
  routes: listOf(route),
})

const localPool = fieldsWith(
  { cidr },
  {
    name: resourceName,
    blockSize: wholeNumber(20, 128),
    nodeSelector: text,
    namespaceSelector: text,
    disabled: flag,
    allowedUses: listOf(oneOf('Workload', 'Tunnel', 'LoadBalancer')),
    assignmentMode: oneOf('Automatic', 'Manual'),
    natOutgoing: flag,
    disableBGPExport: flag,
  },
)

const localDatastore = fields({
  file: absolutePath,
  ip_pools: listOf(localPool),
  reservations: listOf(reservation),
})

const mesosLabel = fieldsWith({ key: text }, { value: text })
const mesos = fields({
  'org.apache.mesos': fields({
    network_info: fields({ labels: fields({ labels: listOf(mesosLabel) }) }),
  }),
})

const runtimeConfig = fields({ 'io.kubernetes.cri.pod-annotations': textMap })

const callRate = wholeNumber(0, 1_000_000)

const wiring = {
  mtu: wholeNumber(0, 65_535),
  num_queues: wholeNumber(0, 4096),
  require_mtu_file: flag,
  device_type: oneOf('', 'veth', 'netkit'),
  container_settings: fields({ allow_ip_forwarding: flag }),
  include_default_routes: flag,
  dataplane_options: fields({ type: text }),
  readiness_gates: listOf(httpURL),
  policy_setup_timeout_seconds: wholeNumber(0, 3600),
  endpoint_status_dir: absolutePathOrNothing,
}

const node = {
  nodename: nodeName,
  nodename_file: absolutePathOrNothing,
  nodename_file_optional: flag,
  hostname: nodeName,
}

const datastore = {
  datastore_type: oneOf('', 'local', 'etcdv3', 'kubernetes'),
  local_datastore: localDatastore,
  etcd_endpoints: text,
  etcd_discovery_srv: text,
  etcd_authority: text,
  etcd_scheme: oneOf('', 'http', 'https'),
  etcd_key_file: absolutePathOrNothing,
  etcd_cert_file: absolutePathOrNothing,
  etcd_ca_cert_file: absolutePathOrNothing,
  kubernetes: fields({
    kubeconfig: absolutePathOrNothing,
    k8s_api_root: urlOrNothing,
    node_name: nodeName,
  }),
  /** Stated here where no Kubernetes API has the objects; names of pools, in the CRD's spelling. */
  service_ip_pools: listOf(
    fieldsWith(
      { name: resourceName },
      {
        ipv4poolList: listOf(resourceName),
        disabledIPv4PoolList: listOf(resourceName),
        ipv6poolList: listOf(resourceName),
        disabledIPv6PoolList: listOf(resourceName),
      },
    ),
  ),
  /** Where a service pool is looked for after the pod's own namespace; default kube-system. */
  service_ip_pool_namespace: namespaceOrNothing,
  qps: callRate,
  burst: callRate,
  calico_api_group: oneOf('', 'crd.projectcalico.org/v1', 'projectcalico.org/v3'),
}

const policy = fields({
  type: oneOf('', 'k8s'),
  k8s_api_root: urlOrNothing,
  k8s_auth_token: text,
  k8s_client_certificate: absolutePathOrNothing,
  k8s_client_key: absolutePathOrNothing,
  k8s_certificate_authority: absolutePathOrNothing,
})

const logging = {
  log_level: text,
  log_file_path: absolutePathOrNothing,
  log_file_max_size: wholeNumber(0, 1_000_000),
  log_file_max_age: wholeNumber(0, 100_000),
  log_file_max_count: wholeNumber(0, 10_000),
}

export const configFields = fields({
  ...wiring,
  ...node,
  ...datastore,
  ...logging,
  policy,
  ipam: ipamFields,
  ipam_lock_file: absolutePathOrNothing,
  feature_control: fields({ ip_addrs_no_ipam: flag, floating_ips: flag }),
  runtimeConfig,
  args: mesos,
  capabilities: anyObject,
})

export type ConfigFields = t.TypeOf<typeof configFields>
