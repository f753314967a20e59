/**
 * The demo's world: a node and its pods, each a network namespace, the compiled executables, and
 * the configuration that a runtime would have in /etc/cni/net.d. Everything is thrown away.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { makeDirectory } from '@hc-calico/cluster/directory'
import {
  type CNIAttachment,
  type CNIConfList,
  type CNIResult,
  createLibCNI,
  type LibCNI,
} from '@hc-calico/cluster/libcni'
import { createNamespaceNamed, makeNode, type NetworkNamespace } from '@hc-calico/cluster/netns'
import { DemoFailure } from './narration.ts'

export interface Pod {
  readonly name: string
  readonly netns: NetworkNamespace
  readonly attachment: CNIAttachment
}

export interface World {
  readonly node: NetworkNamespace
  readonly pods: readonly [Pod, Pod]
  /** Every pod so far. */
  readonly made: ReadonlyArray<Pod>
  readonly conflist: CNIConfList
  readonly cni: LibCNI
  readonly datastoreFile: string
  readonly directory: string
  /** One more pod, with the annotations that the runtime passes. */
  newPod(name: string, options?: PodOptions): Promise<Pod>
  /** The configuration list with these fields in its first plugin. */
  conflistWith(main: object, ipam: object): CNIConfList
  remove(): Promise<void>
}

export interface PodOptions {
  readonly annotations?: Readonly<Record<string, string>>
  readonly portMappings?: ReadonlyArray<object>
  /** Of the container, where it is not the pod's first one. */
  readonly containerID?: string
}

const executables = join(import.meta.dirname, '../packages/cni-plugin/dist/cni-bin')
const debianPlugins = '/usr/lib/cni'

export const pools = [
  { name: 'demo-v4', cidr: '10.65.0.0/24' },
  { name: 'demo-v6', cidr: 'fd65::/120' },
]

/** Of use only to those who ask for them by name. */
export const smallPools = [
  { name: 'demo-small', cidr: '10.65.1.8/29', blockSize: 29, assignmentMode: 'Manual' },
  { name: 'demo-a', cidr: '10.65.2.0/28', blockSize: 28, assignmentMode: 'Manual' },
  { name: 'demo-b', cidr: '10.65.3.0/28', blockSize: 28, assignmentMode: 'Manual' },
]

const podAnnotations = 'io.kubernetes.cri.pod-annotations'

/** Our two plugins and, after them in the chain, one of the CNI project's. */
const configuration = (
  directory: string,
  datastoreFile: string,
  { main = {}, ipam = {} }: { readonly main?: object; readonly ipam?: object } = {},
): CNIConfList => ({
  cniVersion: '1.0.0',
  name: 'demo',
  plugins: [
    {
      type: 'hc-calico',
      nodename: 'demo-node',
      datastore_type: 'local',
      local_datastore: { file: datastoreFile, ip_pools: [...pools, ...smallPools] },
      // A node of its own has a lock of its own.
      ipam_lock_file: join(directory, 'ipam.lock'),
      capabilities: { [podAnnotations]: true },
      ipam: { type: 'hc-calico-ipam', assign_ipv4: 'true', assign_ipv6: 'true', ...ipam },
      ...main,
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
})

export const hostPort = 8080

const makePod = async (name: string, options: PodOptions = {}): Promise<Pod> => {
  const { annotations = {}, portMappings = [], containerID = `demo-${name}` } = options
  const netns = await createNamespaceNamed(`hc-${containerID}`)
  const attachment: CNIAttachment = {
    containerID,
    netns: netns.path,
    ifName: 'eth0',
    args: [
      ['IgnoreUnknown', '1'],
      ['K8S_POD_NAMESPACE', 'default'],
      ['K8S_POD_NAME', name],
      ['K8S_POD_INFRA_CONTAINER_ID', containerID],
    ],
    capabilityArgs: { portMappings, [podAnnotations]: annotations },
  }
  return { name, netns, attachment }
}

export const makeWorld = async (): Promise<World> => {
  if (!existsSync(join(executables, 'hc-calico'))) {
    throw new DemoFailure('the executable is not built: npm run build')
  }
  if (process.getuid?.() !== 0) {
    throw new DemoFailure('the demo makes network namespaces: run it as root')
  }
  const directory = makeDirectory('demo')
  const datastoreFile = join(directory.path, 'datastore.sqlite')
  const node = await createNamespaceNamed('hc-demo-node')
  await makeNode(node)
  const mapping = { hostPort, containerPort: 80, protocol: 'tcp' }
  const first = await makePod('pod-a', { portMappings: [mapping] })
  const pods = [first, await makePod('pod-b')] as const
  const made: Pod[] = [...pods]
  const cni = createLibCNI({
    path: [executables, debianPlugins],
    cacheDir: directory.path,
    through: ['nsenter', `--net=${node.path}`],
  })
  return {
    node,
    pods,
    made,
    conflist: configuration(directory.path, datastoreFile),
    conflistWith: (main, ipam) => configuration(directory.path, datastoreFile, { main, ipam }),
    cni,
    datastoreFile,
    directory: directory.path,
    newPod: async (name, options) => {
      const pod = await makePod(name, options)
      made.push(pod)
      return pod
    },
    remove: async () => {
      for (const netns of [...made.map((pod) => pod.netns), node]) await netns.delete()
      directory.remove()
    },
  }
}

/** The one address of a pod that gets IPv4 only. */
export const addressOf = ({ ips = [] }: CNIResult): string => {
  const [one] = ips
  if (one !== undefined && ips.length === 1) return one.address.split('/')[0] ?? ''
  throw new DemoFailure(`the result has not one address: ${JSON.stringify(ips)}`)
}

export const addressesOf = (result: CNIResult): readonly [v4: string, v6: string] => {
  const [v4, v6] = (result.ips ?? []).map(({ address }) => address.split('/')[0])
  if (v4 !== undefined && v6 !== undefined) return [v4, v6]
  throw new DemoFailure(`the result has not one address of each family: ${JSON.stringify(result)}`)
}
