/**
 * The IPAM plugin in this process, on real servers: pods and records in a Kubernetes API, which it
 * may use as far as its own role goes, blocks there or in etcd. No kernel, no root.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Etcd, startEtcd } from '@hc-calico/cluster/etcd'
import { type Kubernetes, startKubernetes } from '@hc-calico/cluster/kubernetes'
import { createLeanEtcdDatastore } from '@hc-calico/datastore-etcd/lean'
import { createKubernetesDatastore } from '@hc-calico/datastore-kdd'
import { createIPAM, type IPAM } from '@hc-calico/ipam-core'
import type { Datastore, Kind, Write } from '@hc-calico/ipam-core/ports'
import { createLeanKubeClient, type Method } from '@hc-calico/kube-client/lean'
import { parseAllDocuments } from 'yaml'
import { realMachine } from '../../src/machine/real-machine.ts'
import type { Machine } from '../../src/machine.ts'
import { ipamPlugin } from '../../src/plugins.ts'
import { runPlugin } from '../../src/skel/run-plugin.ts'
import { pool } from '../world.ts'

const crds = join(import.meta.dirname, '..', '..', '..', 'crd-types', 'manifests')
const rbac = join(import.meta.dirname, '..', '..', 'manifests', 'rbac.yaml')

export const fixedAnnotation = 'fixed.ipam.harmonycloud.cn'
export const namespace = 'shop'

export interface FixedAnswer {
  readonly code: number
  readonly message: string
  readonly ips: ReadonlyArray<string>
}

export interface FixedCallOptions {
  readonly command?: 'ADD' | 'DEL'
  readonly pod?: string
  readonly id: string
  readonly node?: string
  readonly families?: { readonly v4: boolean; readonly v6: boolean }
  /** Whose credentials; default: the role of the plugin. */
  readonly kubeconfig?: string
  /** The process dies after so many writes of blocks and handles. */
  readonly writesMax?: number
}

/** The datastore of a process that is killed: what it writes after that is not written. */
const dying = (datastore: Datastore, writesMax: number): Datastore => {
  let left = writesMax
  const { atomicCommit } = datastore.capabilities
  return {
    ...datastore,
    read: (queries, options) => datastore.read(queries, options),
    watch: (kind, cancellation) => datastore.watch(kind, cancellation),
    close: () => datastore.close(),
    commit: (writes, options) => async () => {
      const now = atomicCommit ? (left > 0 ? writes : []) : writes.slice(0, Math.max(0, left))
      left -= atomicCommit ? 1 : now.length
      const done = now.length === 0 ? undefined : await datastore.commit(now, options)()
      if (done === undefined || now.length < writes.length) throw new Error('killed')
      return done
    },
  }
}

const kinds: ReadonlyArray<Kind> = ['IPPool', 'Block', 'BlockAffinity', 'Handle']

export class FixedLab {
  readonly kubernetes: Kubernetes
  readonly #etcd: Etcd | undefined
  readonly #directory = mkdtempSync(join(tmpdir(), 'hc-fixed-'))
  #kubeconfig = ''

  private constructor(kubernetes: Kubernetes, etcd: Etcd | undefined) {
    this.kubernetes = kubernetes
    this.#etcd = etcd
  }

  static async start(type: 'kubernetes' | 'etcdv3'): Promise<FixedLab> {
    const kubernetes = await startKubernetes({ crds: [crds] })
    const lab = new FixedLab(kubernetes, type === 'etcdv3' ? await startEtcd() : undefined)
    const [, role] = parseAllDocuments(readFileSync(rbac, 'utf8')).map((one) => one.toJS())
    lab.#kubeconfig = await lab.userWith('plugin', role.rules)
    await kubernetes.apply(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } },
      ...['node-1', 'node-2'].map((name) => ({
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name },
      })),
    )
    return lab
  }

  /** The credentials of somebody with these rights. */
  async userWith(name: string, rules: ReadonlyArray<object>): Promise<string> {
    const apiVersion = 'rbac.authorization.k8s.io/v1'
    const apiGroup = 'rbac.authorization.k8s.io'
    await this.kubernetes.apply(
      { apiVersion, kind: 'ClusterRole', metadata: { name }, rules },
      {
        apiVersion,
        kind: 'ClusterRoleBinding',
        metadata: { name },
        roleRef: { apiGroup, kind: 'ClusterRole', name },
        subjects: [{ apiGroup, kind: 'User', name }],
      },
    )
    return (await this.kubernetes.identity(name)).kubeconfig
  }

  async open(): Promise<Datastore> {
    if (this.#etcd !== undefined) {
      return createLeanEtcdDatastore({ endpoints: [this.#etcd.endpoint] })
    }
    const client = await createLeanKubeClient({ kubeconfig: this.kubernetes.kubeconfig })
    return createKubernetesDatastore({ client, apiGroup: 'crd.projectcalico.org/v1' })
  }

  /** Pools again as they were, no addresses, no pods, no records. */
  async reset(): Promise<void> {
    await this.ask('DELETE', `/api/v1/namespaces/${namespace}/pods?gracePeriodSeconds=0`)
    await this.ask('DELETE', `/api/v1/namespaces/${namespace}/configmaps`)
    await this.withDatastore(async (datastore) => {
      const read = await datastore.read(kinds.map((list) => ({ list })) as never)()
      if (read._tag === 'Left') throw new Error(read.left.message)
      const listed = (read.right as ReadonlyArray<ReadonlyArray<object>>).flat()
      const gone = listed.map((one) => ({ op: 'delete', ...one }) as unknown as Write)
      const pools = [
        pool('10.71.0.0/24', { blockSize: 28 }),
        pool('fd71::/120', { blockSize: 124 }),
      ]
      const made = pools.map(
        (value) => ({ op: 'create', key: { kind: 'IPPool', name: value.name }, value }) as Write,
      )
      const nodes = ['node-1', 'node-2'].map(
        (name) =>
          ({ op: 'create', key: { kind: 'Node', name }, value: { name, labels: {} } }) as Write,
      )
      for (const write of [...gone, ...made]) await datastore.commit([write])()
      if (this.#etcd !== undefined) for (const write of nodes) await datastore.commit([write])()
    })
  }

  async withDatastore<A>(body: (datastore: Datastore, ipam: IPAM) => Promise<A>): Promise<A> {
    const datastore = await this.open()
    try {
      return await body(datastore, createIPAM({ datastore }))
    } finally {
      await datastore.close()
    }
  }

  async addPod(name: string): Promise<void> {
    const set = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'redis', uid: 'of-the-set' }
    await this.ask('POST', `/api/v1/namespaces/${namespace}/pods`, {
      metadata: { name, annotations: { [fixedAnnotation]: 'true' }, ownerReferences: [set] },
      spec: {
        nodeName: 'node-1',
        automountServiceAccountToken: false,
        containers: [{ name: 'main', image: 'none' }],
      },
    })
  }

  // biome-ignore lint/suspicious/noExplicitAny: an object of the Kubernetes API
  async ask(method: Method, path: string, body?: object): Promise<any> {
    const client = await createLeanKubeClient({ kubeconfig: this.kubernetes.kubeconfig })
    const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
    const text = body === undefined ? {} : { body: JSON.stringify(body), contentType }
    const answer = await client.request({ method, path, ...text })
    await client.close()
    if (answer.status >= 300 && answer.status !== 404) throw new Error(answer.text)
    return answer.status === 404 ? undefined : JSON.parse(answer.text)
  }

  readonly #records = `/api/v1/namespaces/${namespace}/configmaps`

  record() {
    return this.ask('GET', `${this.#records}/redis-fixed-ip-conf`)
  }

  async makeRecord(data: object, metadata: object = {}): Promise<void> {
    const name = 'redis-fixed-ip-conf'
    await this.ask('POST', this.#records, { metadata: { name, ...metadata }, data })
  }

  async editRecord(data: object): Promise<void> {
    await this.ask('PATCH', `${this.#records}/redis-fixed-ip-conf`, { data })
  }

  #conf({ families = { v4: true, v6: true }, kubeconfig, node = 'node-1' }: FixedCallOptions) {
    const datastore =
      this.#etcd === undefined
        ? { datastore_type: 'kubernetes', calico_api_group: 'crd.projectcalico.org/v1' }
        : { datastore_type: 'etcdv3', etcd_endpoints: this.#etcd.endpoint }
    return {
      cniVersion: '1.1.0',
      name: 'net',
      type: 'hc-calico',
      nodename: node,
      nodename_file_optional: true,
      ...datastore,
      kubernetes: { kubeconfig: kubeconfig ?? this.#kubeconfig },
      policy: { type: 'k8s' },
      log_level: 'error',
      log_file_path: '/dev/null',
      ipam_lock_file: join(this.#directory, `${node}.lock`),
      ipam: {
        type: 'hc-calico-ipam',
        assign_ipv4: String(families.v4),
        assign_ipv6: String(families.v6),
      },
    }
  }

  /** One call of the plugin, as a process of its own would make it. */
  async call(options: FixedCallOptions): Promise<FixedAnswer> {
    const { command = 'ADD', pod = 'redis-0', id, writesMax } = options
    const real = realMachine({})
    const machine: Machine = {
      ...real,
      hostLock: async () => ({ run: (_, body) => body() }),
      openDatastore: async (config, node) => {
        const datastore = await real.openDatastore(config, node)
        return writesMax === undefined ? datastore : dying(datastore, writesMax)
      },
    }
    let stdout = ''
    const code = await runPlugin(ipamPlugin('hc-calico-ipam', machine), {
      argv: [],
      env: {
        CNI_COMMAND: command,
        CNI_CONTAINERID: id,
        CNI_NETNS: '/var/run/netns/none',
        CNI_IFNAME: 'eth0',
        CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=${namespace};K8S_POD_NAME=${pod}`,
        CNI_PATH: '/opt/cni/bin',
      },
      readStdin: async () => JSON.stringify(this.#conf(options)),
      writeStdout: (text) => {
        stdout += text
      },
      writeStderr: () => {},
    })
    const document = stdout === '' ? {} : JSON.parse(stdout)
    const ips = (document.ips ?? []) as ReadonlyArray<{ readonly address: string }>
    return {
      code: code === 0 ? 0 : (document.code ?? code),
      message: document.msg ?? '',
      ips: ips.map(({ address }) => address.split('/')[0] as string),
    }
  }

  async close(): Promise<void> {
    await this.#etcd?.stop()
    await this.kubernetes.stop()
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
