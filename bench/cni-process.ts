/**
 * Whole CNI calls, from the start of the process to its end: our plugins against the CNI project's
 * `ptp` and `host-local` (Debian's build), doing the same work: a veth pair, addresses, routes, and
 * the addresses kept on disk; then all of it undone. Every arm runs once per round, in shuffled
 * order, and a ratio is the median over the rounds of (arm / reference in the same round): what else
 * the machine does hits all arms of a round alike, so ratios hold where milliseconds do not.
 *
 * Duplicate address detection is off in both namespaces: ptp waits for it, 1.7 s for every IPv6 pod,
 * while ours turns it off as Calico does; that would be all one could see.
 *
 *   node --conditions=hc-calico-source bench/cni-process.ts [rounds]
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { command } from '@hc-calico/cluster/command'
import { makeDirectory } from '@hc-calico/cluster/directory'
import {
  type CNIAttachment,
  type CNIConfList,
  createLibCNI,
  type LibCNI,
  type PluginRun,
} from '@hc-calico/cluster/libcni'
import { createNamespace, createNode } from '@hc-calico/cluster/netns'

const executables = join(import.meta.dirname, '../packages/cni-plugin/dist/cni-bin')
const debianPlugins = '/usr/lib/cni'
const roundsDefault = 25
const warmUpRounds = 2

type Families = 'IPv4' | 'both families'

interface Arm {
  readonly name: string
  /** The arm it is compared with; its own name for a reference. */
  readonly reference: string
  readonly list: CNIConfList
}

export interface ArmResult {
  readonly arm: string
  readonly reference: string
  readonly medianMs: { readonly add: number; readonly del: number }
  /** Of this process and those it started. */
  readonly meanCPUMs: number
  readonly ratio: { readonly add: number; readonly del: number }
}

export interface CNIProcessResult {
  readonly bench: 'cni-process'
  readonly rounds: number
  readonly machine: { readonly cpus: number; readonly kernel: string }
  readonly arms: ReadonlyArray<ArmResult>
}

const listOf = (name: string, plugin: CNIConfList['plugins'][number]): CNIConfList => ({
  cniVersion: '1.0.0',
  name,
  plugins: [plugin],
})

const subnets: Readonly<Record<Families, ReadonlyArray<string>>> = {
  IPv4: ['10.67.0.0/24'],
  'both families': ['10.67.0.0/24', 'fd67::/120'],
}

const ourIPAM = (families: Families): object => ({
  type: 'hc-calico-ipam',
  assign_ipv6: String(families === 'both families'),
})

const ourDatastore = (directory: string, families: Families): object => ({
  nodename: 'bench-node',
  datastore_type: 'local',
  local_datastore: {
    file: join(directory, `${families === 'IPv4' ? 4 : 46}.sqlite`),
    ip_pools: subnets[families].map((cidr, i) => ({ name: `pool-${i}`, cidr })),
  },
  ipam_lock_file: join(directory, 'ipam.lock'),
  log_level: 'error',
})

const hostLocal = (directory: string, families: Families): object => ({
  type: 'host-local',
  dataDir: join(directory, 'host-local'),
  ranges: subnets[families].map((subnet) => [{ subnet }]),
})

const armsIn = (directory: string): ReadonlyArray<Arm> =>
  (['IPv4', 'both families'] as const).flatMap((families) => {
    const wiring = `ptp + host-local, ${families}`
    const addresses = `host-local alone, ${families}`
    const ours = ourDatastore(directory, families)
    const ptp = { type: 'ptp', ipam: hostLocal(directory, families) }
    return [
      { name: wiring, reference: wiring, list: listOf(`ptp${families.length}`, ptp) },
      {
        name: `hc-calico + hc-calico-ipam, ${families}`,
        reference: wiring,
        list: listOf('ours', { type: 'hc-calico', ...ours, ipam: ourIPAM(families) }),
      },
      {
        name: addresses,
        reference: addresses,
        list: listOf(`hl${families.length}`, {
          type: 'host-local',
          ipam: hostLocal(directory, families),
        }),
      },
      {
        name: `hc-calico-ipam alone, ${families}`,
        reference: addresses,
        list: listOf('ours-ipam', { type: 'hc-calico-ipam', ...ours, ipam: ourIPAM(families) }),
      },
    ]
  })

const median = (values: ReadonlyArray<number>): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low = 0, high = 0] = [sorted[middle - 1], sorted[middle]]
  return sorted.length % 2 === 1 ? high : (low + high) / 2
}

const rounded = (value: number): number => Math.round(value * 100) / 100

const shuffled = <T>(items: ReadonlyArray<T>): ReadonlyArray<T> =>
  items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)

/** CPU time of the children this process has waited for, in clock ticks of 10 ms. */
const childrenCPUMs = (): number => {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[13]) + Number(fields[14])) * 10
}

interface Sample {
  readonly add: number
  readonly del: number
  readonly cpu: number
}

class Measurement {
  readonly samples = new Map<string, Sample[]>()
  readonly #cni: LibCNI
  readonly #netns: string
  #last: PluginRun | undefined

  constructor(directory: string, netns: string) {
    this.#netns = netns
    this.#cni = createLibCNI({
      path: [executables, debianPlugins],
      cacheDir: directory,
      onRun: (run) => {
        this.#last = run
      },
    })
  }

  async sample({ list }: Arm): Promise<Sample> {
    const containerID = randomBytes(16).toString('hex')
    const attachment: CNIAttachment = { containerID, netns: this.#netns, ifName: 'eth0' }
    const cpu = childrenCPUMs()
    await this.#cni.add(list, attachment)
    const add = this.#last?.ms ?? 0
    await this.#cni.del(list, attachment)
    const del = this.#last?.ms ?? 0
    return { add, del, cpu: childrenCPUMs() - cpu }
  }

  async round(arms: ReadonlyArray<Arm>, counts: boolean): Promise<void> {
    for (const arm of shuffled(arms)) {
      const sample = await this.sample(arm)
      if (counts) this.samples.set(arm.name, [...(this.samples.get(arm.name) ?? []), sample])
    }
  }

  result({ name, reference }: Arm): ArmResult {
    const [own, others] = [this.samples.get(name) ?? [], this.samples.get(reference) ?? []]
    const ratioOf = (part: 'add' | 'del'): number =>
      rounded(median(own.map((sample, round) => sample[part] / (others[round]?.[part] ?? 1))))
    return {
      arm: name,
      reference,
      medianMs: {
        add: rounded(median(own.map((sample) => sample.add))),
        del: rounded(median(own.map((sample) => sample.del))),
      },
      meanCPUMs: rounded(own.reduce((sum, sample) => sum + sample.cpu, 0) / own.length),
      ratio: { add: ratioOf('add'), del: ratioOf('del') },
    }
  }
}

const measureIn = async (
  directory: string,
  netns: string,
  rounds: number,
): Promise<CNIProcessResult> => {
  const arms = armsIn(directory)
  const measurement = new Measurement(directory, netns)
  for (let round = -warmUpRounds; round < rounds; round += 1) {
    await measurement.round(arms, round >= 0)
  }
  const kernel = (await command('uname', ['-r'])).trim()
  const cpus = Number(await command('nproc', []))
  return {
    bench: 'cni-process',
    rounds,
    machine: { cpus, kernel },
    arms: arms.map((arm) => measurement.result(arm)),
  }
}

/** The measurement runs in the node's namespace itself: no nsenter is in the times. */
export const cniProcess = async (rounds = roundsDefault): Promise<CNIProcessResult> => {
  const directory = makeDirectory('bench')
  const node = await createNode('bench')
  const pod = await createNamespace('bench-pod')
  try {
    for (const netns of [node, pod]) await netns.setSysctl('ipv6/conf/default/accept_dad', '0')
    const inside = ['--inside', directory.path, pod.path, String(rounds)]
    const program = [process.execPath, '--conditions=hc-calico-source', import.meta.filename]
    const [file = '', ...args] = [...program, ...inside]
    const timeoutMs = 60_000 + rounds * 10_000
    return JSON.parse(await node.exec(file, args, { timeoutMs })) as CNIProcessResult
  } finally {
    await pod.delete()
    await node.delete()
    directory.remove()
  }
}

/** For people. */
export const cniProcessTable = (result: CNIProcessResult): string => {
  const columns = (cells: ReadonlyArray<string | number>): string =>
    cells.map((cell, i) => (i === 0 ? String(cell).padEnd(44) : String(cell).padStart(10))).join('')
  return [
    columns(['whole process, median', 'ADD ms', 'DEL ms', 'CPU ms', 'ADD ratio', 'DEL ratio']),
    ...result.arms.map(({ arm, medianMs, meanCPUMs, ratio }) =>
      columns([arm, medianMs.add, medianMs.del, meanCPUMs, ratio.add, ratio.del]),
    ),
  ].join('\n')
}

if (import.meta.main) {
  const [first, directory = '', netns = '', rounds = ''] = process.argv.slice(2)
  if (first === '--inside') {
    process.stdout.write(JSON.stringify(await measureIn(directory, netns, Number(rounds))))
  } else {
    const result = await cniProcess(first === undefined ? roundsDefault : Number(first))
    process.stderr.write(`${cniProcessTable(result)}\n`)
    process.stdout.write(`${JSON.stringify(result, null, 2)}\n`)
  }
}
