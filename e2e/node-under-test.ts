/**
 * A node (a network namespace) whose runtime calls our executables, on the embedded datastore or
 * another one, and what can be seen of it from outside: what the datastore holds, what the kernel has.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeDirectory, type OwnDirectory } from '@hc-calico/cluster/directory'
import type { CNIConfList, CNIPluginConf } from '@hc-calico/cluster/libcni'
import { createNode, type NetworkNamespace } from '@hc-calico/cluster/netns'
import {
  type LabDatastore,
  type LabPool,
  localDatastore,
  localFile,
} from '../packages/cni-plugin/test/lab/lab-datastore.ts'

export const executables = join(import.meta.dirname, '../packages/cni-plugin/dist/cni-bin')

type Fields = Readonly<Record<string, unknown>>

export interface NetworkOptions {
  readonly cniVersion?: string
  readonly pools?: ReadonlyArray<LabPool>
  /** Merged over the main plugin's configuration. */
  readonly main?: Fields
  /** Plugins after ours. */
  readonly followedBy?: ReadonlyArray<CNIPluginConf>
}

/** What is there because of pods. Blocks and affinities stay: the node keeps them. */
export interface Footprint {
  /** Allocated addresses: one handle id each. */
  readonly allocations: ReadonlyArray<string>
  readonly handles: ReadonlyArray<string>
  readonly endpoints: ReadonlyArray<string>
  readonly links: ReadonlyArray<string>
  /** Destinations inside the pools. */
  readonly routes: ReadonlyArray<string>
}

export const nothing: Footprint = {
  allocations: [],
  handles: [],
  endpoints: [],
  links: [],
  routes: [],
}

export const defaultPools: ReadonlyArray<LabPool> = [
  { name: 'v4', cidr: '10.66.0.0/16' },
  { name: 'v6', cidr: 'fd66::/64' },
]

const isOfAPool = (dst: string): boolean => /^(10\.1?66\.|fd66:)/.test(dst)

export class NodeUnderTest {
  readonly netns: NetworkNamespace
  readonly directory: string
  readonly datastoreFile: string
  readonly logFile: string
  readonly datastore: LabDatastore
  readonly #directory: OwnDirectory

  constructor(netns: NetworkNamespace, directory: OwnDirectory, datastore: LabDatastore) {
    this.datastore = datastore
    this.netns = netns
    this.#directory = directory
    this.directory = directory.path
    this.datastoreFile = localFile(directory.path)
    this.logFile = join(directory.path, 'cni.log')
  }

  /** A configuration list, as it would be in /etc/cni/net.d. */
  network(options: NetworkOptions = {}): CNIConfList {
    const main = {
      type: 'hc-calico',
      nodename: 'node-1',
      ...this.datastore.fields(this.directory, options.pools ?? defaultPools),
      ipam_lock_file: join(this.directory, 'ipam.lock'),
      log_level: 'debug',
      log_file_path: this.logFile,
      capabilities: { 'io.kubernetes.cri.pod-annotations': true },
      ipam: { type: 'hc-calico-ipam', assign_ipv4: 'true', assign_ipv6: 'true' },
      ...options.main,
    }
    return {
      cniVersion: options.cniVersion ?? '1.0.0',
      name: 'hc-net',
      plugins: [main, ...(options.followedBy ?? [])],
    }
  }

  async footprint(): Promise<Footprint> {
    const links = (await this.netns.links()).map((link) => link.ifname)
    const routes = [...(await this.netns.routes(4)), ...(await this.netns.routes(6))]
    return {
      ...(await this.#stored()),
      links: links.filter((name) => !/^(up[01]|lan0)$/.test(name)),
      routes: routes.map((route) => route.dst).filter(isOfAPool),
    }
  }

  async #stored() {
    const isUntouched = this.datastore === localDatastore && !existsSync(this.datastoreFile)
    if (isUntouched) return { allocations: [], handles: [], endpoints: [] }
    const datastore = await this.datastore.open(this.directory)
    try {
      const queries = [{ list: 'Block' }, { list: 'Handle' }, { list: 'WorkloadEndpoint' }] as const
      const answers = await datastore.read(queries)()
      if (answers._tag === 'Left') throw new Error(answers.left.message)
      const [blocks, handles, endpoints] = answers.right
      return {
        allocations: blocks.flatMap(({ value }) =>
          value.allocations.flatMap((index) =>
            index === null ? [] : [value.attributes[index]?.handleID ?? ''],
          ),
        ),
        handles: handles.map(({ value }) => value.id),
        endpoints: endpoints.map(({ value }) => value.name),
      }
    } finally {
      await datastore.close()
    }
  }

  /** Lines of the plugins' log that match. */
  logged(pattern: RegExp): ReadonlyArray<string> {
    if (!existsSync(this.logFile)) return []
    return readFileSync(this.logFile, 'utf8')
      .split('\n')
      .filter((line) => pattern.test(line))
  }

  async remove(): Promise<void> {
    await this.netns.delete()
    this.#directory.remove()
  }
}

/** Fails where this tier cannot run: without root, or without the built executable. */
export const makeNodeUnderTest = async (
  label: string,
  datastore: LabDatastore = localDatastore,
): Promise<NodeUnderTest> => {
  if (process.getuid?.() !== 0) throw new Error('network namespaces need root')
  if (!existsSync(join(executables, 'hc-calico'))) {
    throw new Error('the executable is not built: npm run build')
  }
  const netns = await createNode(label)
  await datastore.connect(netns)
  await datastore.reset(defaultPools)
  return new NodeUnderTest(netns, makeDirectory(label), datastore)
}
