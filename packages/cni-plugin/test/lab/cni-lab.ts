/**
 * One node as a runtime sees it: the compiled executables and Debian's plugins on a CNI_PATH, a
 * datastore (the embedded one unless another is given), network namespaces for the host and the
 * containers, and libcni's way of calling. Everything is thrown away with `close`.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type CNIAttachment,
  type CNIConfList,
  type CNIPluginConf,
  createLibCNI,
  type LibCNI,
  type LibCNIOptions,
  type PluginRun,
} from '@hc-calico/cluster/libcni'
import { packageRoot } from '../../build/bun.ts'
import { readAll } from '../../src/datastore-access.ts'
import {
  type Fields,
  type LabDatastore,
  type LabPool,
  localDatastore,
  localFile,
} from './lab-datastore.ts'
import { type LabNamespace, NetworkLab } from './network-lab.ts'

export const executables = join(packageRoot, 'dist', 'cni-bin')
const debianPlugins = '/usr/lib/cni'

export interface ConfOptions {
  readonly cniVersion?: string
  /** Merged over the main plugin's configuration. */
  readonly main?: Fields
  readonly ipam?: Fields
  /** Plugins that follow in the chain. */
  readonly followedBy?: ReadonlyArray<CNIPluginConf>
}

export class CNILab {
  readonly network = new NetworkLab()
  readonly directory = mkdtempSync(join(tmpdir(), 'hc-cni-'))
  readonly runs: PluginRun[] = []
  readonly cni: LibCNI
  readonly #datastore: LabDatastore

  constructor(datastore: LabDatastore = localDatastore) {
    this.#datastore = datastore
    if (!existsSync(join(executables, 'hc-calico'))) {
      this.close()
      throw new Error('the executable is not built: npm run build')
    }
    this.cni = this.client()
  }

  /** A lab whose host reaches the datastore, which holds the default pools and nothing else. */
  static async on(datastore: LabDatastore): Promise<CNILab> {
    const lab = new CNILab(datastore)
    await datastore.connect(lab.host)
    await datastore.reset(defaultPools)
    return lab
  }

  /** Of the embedded datastore. */
  get datastoreFile(): string {
    return localFile(this.directory)
  }

  get host(): LabNamespace {
    return this.network.host
  }

  /** A client in the host's namespace. */
  client(over: Partial<LibCNIOptions> = {}): LibCNI {
    return createLibCNI({
      path: [executables, debianPlugins],
      cacheDir: join(this.directory, 'cache'),
      through: ['nsenter', `--net=${this.host.path}`],
      onRun: (run) => this.runs.push(run),
      ...over,
    })
  }

  /** A client that has lost its memory of results. */
  forgetfulClient(): LibCNI {
    return this.client({ cacheDir: mkdtempSync(join(this.directory, 'empty-')) })
  }

  /** The datastore as a configuration states it, with a pool of each family. */
  datastoreFields(pools: ReadonlyArray<LabPool> = defaultPools): Fields {
    return {
      nodename: 'node-1',
      ...this.#datastore.fields(this.directory, pools),
      ipam_lock_file: join(this.directory, 'ipam.lock'),
    }
  }

  /** The same, with these pools there and no others. */
  async withPools(pools: ReadonlyArray<LabPool>): Promise<Fields> {
    await this.#datastore.reset(pools)
    return this.datastoreFields(pools)
  }

  conf(options: ConfOptions = {}): CNIConfList {
    const main = {
      type: 'hc-calico',
      ...this.datastoreFields(),
      mtu: 1450,
      ipam: { type: 'hc-calico-ipam', assign_ipv4: 'true', assign_ipv6: 'true', ...options.ipam },
      ...options.main,
    }
    return {
      cniVersion: options.cniVersion ?? '1.1.0',
      name: 'hc-net',
      plugins: [main, ...(options.followedBy ?? [])],
    }
  }

  /** A container of a Kubernetes pod in a new namespace. */
  container(pod: string, over: Partial<CNIAttachment> = {}) {
    const namespace = this.network.namespace(pod)
    return { namespace, attachment: this.attachment(pod, { netns: namespace.path, ...over }) }
  }

  /** The same, with the pod scheduled: what a runtime calls for. */
  async scheduled(
    pod: string,
    over: Partial<CNIAttachment> = {},
    annotations: Readonly<Record<string, string>> = {},
  ) {
    await this.#datastore.createPod(pod, { annotations })
    return this.container(pod, over)
  }

  attachment(pod: string, over: Partial<CNIAttachment> = {}): CNIAttachment {
    const containerID = randomBytes(32).toString('hex')
    return {
      containerID,
      netns: '',
      ifName: 'eth0',
      // The order of a Go map, in which keys may come.
      args: [
        ['IgnoreUnknown', '1'],
        ['K8S_POD_NAMESPACE', 'default'],
        ['K8S_POD_NAME', pod],
        ['K8S_POD_INFRA_CONTAINER_ID', containerID],
      ],
      ...over,
    }
  }

  /** What the datastore holds: every allocated address with its handle, and names of the rest. */
  async stored() {
    const datastore = await this.#datastore.open(this.directory)
    try {
      const [blocks, handles, endpoints] = await readAll(datastore, [
        { list: 'Block' },
        { list: 'Handle' },
        { list: 'WorkloadEndpoint' },
      ])
      return {
        allocations: blocks.flatMap(({ value }) =>
          value.allocations
            .map((index) => (index === null ? undefined : value.attributes[index]?.handleID))
            .filter((handle) => handle !== undefined && handle !== blockOverhead),
        ),
        handles: handles.map(({ value }) => value.id),
        // A pod without an address is still a pod on the Kubernetes API, but no endpoint.
        endpoints: endpoints.map(({ value }) => value.name),
      }
    } finally {
      await datastore.close()
    }
  }

  close(): void {
    this.network.close()
    rmSync(this.directory, { recursive: true, force: true })
  }
}

export const defaultPools: ReadonlyArray<LabPool> = [
  { name: 'v4', cidr: '10.65.0.0/16' },
  { name: 'v6', cidr: 'fd65::/64' },
]

/** Addresses that a block loses to being a subnet (under ptp and bridge); Calico's own handle. */
const blockOverhead = 'windows-reserved-ipam-handle'

/** Nothing of any container is stored. Blocks and their affinities stay: the node keeps them. */
export const nothingStored = { allocations: [], handles: [], endpoints: [] }

/** Bare addresses of a result of any version. */
export const addressesOf = (result: Fields): ReadonlyArray<string> => {
  const old = ['ip4', 'ip6'].flatMap((family) => {
    const one = result[family] as { readonly ip?: string } | undefined
    return one?.ip === undefined ? [] : [one.ip]
  })
  const ips = (result.ips ?? []) as ReadonlyArray<{ readonly address: string }>
  return [...old, ...ips.map((ip) => ip.address)].map((cidr) => cidr.split('/')[0] ?? '')
}
