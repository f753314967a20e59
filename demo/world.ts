/**
 * The demo's world: a node and two pods, each a network namespace, the compiled executables, and
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
  readonly conflist: CNIConfList
  readonly cni: LibCNI
  readonly datastoreFile: string
  readonly directory: string
  remove(): Promise<void>
}

const executables = join(import.meta.dirname, '../packages/cni-plugin/dist/cni-bin')
const debianPlugins = '/usr/lib/cni'

export const pools = [
  { name: 'demo-v4', cidr: '10.65.0.0/24' },
  { name: 'demo-v6', cidr: 'fd65::/120' },
]

/** Our two plugins and, after them in the chain, one of the CNI project's. */
const configuration = (directory: string, datastoreFile: string): CNIConfList => ({
  cniVersion: '1.0.0',
  name: 'demo',
  plugins: [
    {
      type: 'hc-calico',
      nodename: 'demo-node',
      datastore_type: 'local',
      local_datastore: { file: datastoreFile, ip_pools: pools },
      // A node of its own has a lock of its own.
      ipam_lock_file: join(directory, 'ipam.lock'),
      ipam: { type: 'hc-calico-ipam', assign_ipv4: 'true', assign_ipv6: 'true' },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
})

export const hostPort = 8080

const makePod = async (name: string, portMappings: ReadonlyArray<object>): Promise<Pod> => {
  const netns = await createNamespaceNamed(`hc-demo-${name}`)
  const attachment: CNIAttachment = {
    containerID: `demo-${name}`,
    netns: netns.path,
    ifName: 'eth0',
    args: [
      ['IgnoreUnknown', '1'],
      ['K8S_POD_NAMESPACE', 'default'],
      ['K8S_POD_NAME', name],
      ['K8S_POD_INFRA_CONTAINER_ID', `demo-${name}`],
    ],
    capabilityArgs: { portMappings },
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
  const pods = [await makePod('pod-a', [mapping]), await makePod('pod-b', [])] as const
  const cni = createLibCNI({
    path: [executables, debianPlugins],
    cacheDir: directory.path,
    through: ['nsenter', `--net=${node.path}`],
  })
  return {
    node,
    pods,
    conflist: configuration(directory.path, datastoreFile),
    cni,
    datastoreFile,
    directory: directory.path,
    remove: async () => {
      for (const netns of [...pods.map((pod) => pod.netns), node]) await netns.delete()
      directory.remove()
    },
  }
}

export const addressesOf = (result: CNIResult): readonly [v4: string, v6: string] => {
  const [v4, v6] = (result.ips ?? []).map(({ address }) => address.split('/')[0])
  if (v4 !== undefined && v6 !== undefined) return [v4, v6]
  throw new DemoFailure(`the result has not one address of each family: ${JSON.stringify(result)}`)
}
