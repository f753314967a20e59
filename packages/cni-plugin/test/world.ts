/**
 * One machine with everything faked but the code under test: memory datastore, fake kernel, files,
 * lock, executables. Commands run through the whole protocol, as a runtime would call them.
 */
import { createIPAM } from '@hc-calico/ipam-core'
import { createMemoryDatastore } from '@hc-calico/ipam-core/memory'
import {
  type Datastore,
  type DatastoreError,
  datastoreError,
  type Query,
  type Write,
} from '@hc-calico/ipam-core/ports'
import { left } from 'fp-ts/lib/Either.js'
import type { Executed, Execution, Machine } from '../src/machine.ts'
import { ipamPlugin, mainPlugin } from '../src/plugins.ts'
import { runPlugin } from '../src/skel/run-plugin.ts'
import { FakeKernel } from './fake-kernel.ts'
import { answerOf } from './fake-kubernetes.ts'
import { oneByOne } from './one-by-one.ts'

const unreachable = datastoreError('Unavailable', 'the datastore cannot be reached')

export const netns = (name: string): string => `/var/run/netns/${name}`

export const pool = (cidr: string, more: object = {}) => {
  const name = `pool-${cidr.replace(/[.:/]+/g, '-')}`
  return {
    name,
    cidr,
    blockSize: cidr.includes(':') ? 122 : 26,
    disabled: false,
    terminating: false,
    allocatable: true,
    nodeSelector: 'all()',
    allowedUses: ['Workload', 'Tunnel'] as const,
    assignmentMode: 'Automatic' as const,
    ipipMode: 'Never' as const,
    vxlanMode: 'Never' as const,
    natOutgoing: false,
    disableBGPExport: false,
    ...more,
  }
}

type Create = Extract<Write, { op: 'create' }>

const create = (key: object, value: object): Create => ({ op: 'create', key, value }) as Create

export const poolWrite = (one: ReturnType<typeof pool>): Create =>
  create({ kind: 'IPPool', name: one.name }, one)

export const nodeWrite = (name: string, labels: Record<string, string> = {}): Create =>
  create({ kind: 'Node', name }, { name, labels })

export const seeds: ReadonlyArray<Create> = [
  poolWrite(pool('10.244.0.0/16')),
  poolWrite(pool('fd80:24e2::/48')),
  nodeWrite('node-1'),
]

export const kindsWritten = [
  'Block',
  'BlockAffinity',
  'Handle',
  'WorkloadEndpoint',
  'Profile',
  'IPPool',
  'Node',
] as const

export interface Call {
  readonly command: string
  readonly plugin?: 'main' | 'ipam'
  readonly id?: string
  readonly ns?: string
  readonly ifName?: string
  readonly args?: string
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Merged over the default configuration; a text replaces stdin. */
  readonly conf?: object | string
}

export interface Answer {
  readonly code: number
  // biome-ignore lint/suspicious/noExplicitAny: JSON as it was printed
  readonly document: any
  readonly stdout: string
}

export const defaultConf = {
  cniVersion: '1.1.0',
  name: 'k8s-pod-network',
  type: 'hc-calico',
  nodename: 'node-1',
  datastore_type: 'local',
  log_level: 'error',
  log_file_path: '/dev/null',
  ipam: { type: 'hc-calico-ipam' },
}

export class World {
  readonly kernel = new FakeKernel()
  readonly files = new Map<string, string>()
  readonly executables = new Map<string, (execution: Execution) => Promise<Executed> | Executed>()
  readonly lockFiles: string[] = []
  env: Record<string, string> = {}
  httpAnswers: number[] = []
  /** Objects of the Kubernetes API by path; others are missing. Numbers answer with that status. */
  readonly kubernetes = new Map<string, object | number>()
  /** Status with which a request of the Kubernetes API fails. */
  failKubernetes: (method: string, path: string) => number | undefined = () => undefined
  /** Paths asked of the Kubernetes API, with the verb where it is not GET. */
  readonly kubernetesCalls: string[] = []
  /** Writes that fail as if the datastore could not be reached. */
  failWrites: (write: Write) => boolean = () => false
  /** What happens just before a write, on a datastore that makes them one by one. */
  beforeWrite: (write: Write) => Promise<void> = async () => {}
  /** Reads by the code under test that fail; the assertions' own reads never do. */
  failReads: (query: Query) => DatastoreError | undefined = () => undefined
  /** What the code under test asked of the datastore, call by call. */
  waits: string[] = []
  opened = 0
  closed = 0
  #locked = 0
  #now = 1_785_578_400_000_000_000n

  readonly datastore: Datastore

  constructor(datastore: Datastore = createMemoryDatastore()) {
    this.datastore = datastore
    this.kernel.isLocked = () => this.#locked > 0
  }

  readonly seed = async (writes: ReadonlyArray<Write>): Promise<void> => {
    for (const write of writes) {
      const done = await this.datastore.commit([write])()
      if (done._tag === 'Left') throw new Error(done.left.error.message)
    }
  }

  static readonly create = async (
    writes: ReadonlyArray<Write> = seeds,
    datastore: Datastore = createMemoryDatastore(),
  ): Promise<World> => {
    const world = new World(datastore)
    await world.seed(writes)
    for (const name of ['a', 'b', 'c', 'd']) world.kernel.namespaces.add(netns(name))
    return world
  }

  readonly machine: Machine = {
    env: {},
    pid: 42,
    clock: {
      now: () => {
        this.#now += 1_000_000n
        return this.#now
      },
      sleep: async (ms) => {
        this.#now += BigInt(Math.ceil(ms)) * 1_000_000n
      },
    },
    dataplane: async () => this.kernel.dataplane,
    openIPAM: (datastore, msMax, observe) =>
      createIPAM({
        ...{ datastore, observe, clock: this.machine.clock },
        cancellation: AbortSignal.timeout(msMax),
      }),
    hostLock: async () => ({
      run: async (file, body) => {
        this.lockFiles.push(file)
        this.#locked += 1
        try {
          return await body()
        } finally {
          this.#locked -= 1
        }
      },
    }),
    kubeClient: async () => ({
      request: async (request) => {
        const { method, path } = request
        this.kubernetesCalls.push(method === 'GET' ? path : `${method} ${path}`)
        return answerOf(this.kubernetes, request, this.failKubernetes(method, path))
      },
      watch: () => {
        throw new Error('a plugin watches nothing')
      },
      close: async () => undefined,
    }),
    openDatastore: async () => {
      this.opened += 1
      return {
        ...this.datastore,
        read: (queries, options) => {
          const asked = queries.map((one) => ('get' in one ? one.get.kind : `list ${one.list}`))
          this.waits.push(`read ${asked.join(', ')}`)
          const fault = queries.map(this.failReads).find((one) => one !== undefined)
          return fault === undefined
            ? this.datastore.read(queries, options)
            : async () => left(fault)
        },
        commit: (writes, options) => {
          this.waits.push(`commit ${writes.map(({ op, key }) => `${op} ${key.kind}`).join(', ')}`)
          return writes.some(this.failWrites)
            ? async () => left({ error: unreachable, applied: [], current: [] })
            : oneByOne(this.datastore, this.beforeWrite)(writes, options)
        },
        watch: this.datastore.watch.bind(this.datastore),
        close: async () => {
          this.closed += 1
        },
      }
    },
    readText: async (path, bytesMax) => this.files.get(path)?.slice(0, bytesMax),
    hostname: () => 'Host-Name',
    isExecutable: async (path) => this.executables.has(path),
    execute: async (execution) => {
      const program = this.executables.get(execution.file)
      if (program === undefined) throw new Error(`${execution.file}: no such file`)
      return program(execution)
    },
    httpStatus: async () => {
      const status = this.httpAnswers.shift()
      if (status === undefined) throw new Error('connection refused')
      return status
    },
  }

  readonly run = async (call: Call): Promise<Answer> => {
    const { command, plugin = 'main', id = 'c1', ns = 'a', ifName = 'eth0', args = '' } = call
    const machine = { ...this.machine, env: { ...this.env } }
    const conf = call.conf ?? {}
    let stdout = ''
    const made =
      plugin === 'main' ? mainPlugin('hc-calico', machine) : ipamPlugin('hc-calico-ipam', machine)
    const code = await runPlugin(made, {
      argv: [],
      env: {
        CNI_COMMAND: command,
        CNI_CONTAINERID: id,
        CNI_NETNS: ns === '' || ns.startsWith('/') ? ns : netns(ns),
        CNI_IFNAME: ifName,
        CNI_ARGS: args,
        CNI_PATH: '/opt/cni/bin',
        ...call.env,
      },
      readStdin: async () =>
        typeof conf === 'string' ? conf : JSON.stringify({ ...defaultConf, ...conf }),
      writeStdout: (text) => {
        stdout += text
      },
      writeStderr: () => {},
    })
    return { code, stdout, document: stdout === '' ? undefined : JSON.parse(stdout) }
  }

  readonly pod = (name: string, namespace = 'default', more = ''): string =>
    `IgnoreUnknown=1;K8S_POD_NAMESPACE=${namespace};K8S_POD_NAME=${name}${more}`

  // biome-ignore lint/suspicious/noExplicitAny: any kind, for assertions
  readonly read = async (queries: ReadonlyArray<Query>): Promise<ReadonlyArray<any>> => {
    const answer = await this.datastore.read(queries)()
    if (answer._tag === 'Left') throw new Error(answer.left.message)
    return answer.right
  }

  // biome-ignore lint/suspicious/noExplicitAny: any kind, for assertions
  readonly list = async (kind: (typeof kindsWritten)[number]): Promise<ReadonlyArray<any>> => {
    const [listed] = await this.read([{ list: kind }])
    return listed.map((one: { value: unknown }) => one.value)
  }

  /** Deletes everything of a kind behind everybody's back. */
  readonly remove = async (kind: (typeof kindsWritten)[number]): Promise<void> => {
    const [listed] = await this.read([{ list: kind }])
    for (const { key, revision } of listed) await this.seed([{ op: 'delete', key, revision }])
  }

  /** Addresses by handle. */
  readonly held = async (): Promise<Record<string, number>> => {
    const blocks = await this.list('Block')
    const counts: Record<string, number> = {}
    for (const block of blocks) {
      for (const index of block.allocations) {
        if (index === null) continue
        const handle = block.attributes[index].handleID ?? '-'
        counts[handle] = (counts[handle] ?? 0) + 1
      }
    }
    return counts
  }

  /** Everything stored and everything in the kernel, as one text. */
  readonly picture = async (): Promise<string> => {
    const stored = await Promise.all(kindsWritten.map((kind) => this.list(kind)))
    const text = JSON.stringify(stored, (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    )
    return `${text}\n${this.kernel.picture()}`
  }
}

/** The configuration with annotations as the runtime passes them. */
export const annotated = (annotations: Record<string, string>, more: object = {}) => ({
  runtimeConfig: {
    'io.kubernetes.cri.pod-annotations': Object.fromEntries(
      Object.entries(annotations).map(([key, value]) => [`cni.projectcalico.org/${key}`, value]),
    ),
  },
  ...more,
})
