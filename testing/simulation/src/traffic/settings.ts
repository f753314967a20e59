/** The pools of the simulated cluster, and what every run begins with. */
import type { Values, Write } from '@hc-calico/ipam-core/ports'
import { History } from '../truth/history.ts'
import type { Settings } from '../truth/settings-over-time.ts'
import type { World } from '../world.ts'

type IPPool = Values['IPPool']

const cidrs: Readonly<Record<string, string>> = {
  a: '10.0.0.0/27',
  b: '10.0.1.0/28',
  c: '10.0.2.0/28',
  v6: 'fd00::/122',
}

/** Made at the quiet end, so that nobody is refused for want of room. */
const lastPool = { room: '10.9.0.0/24' }

/** These come and go; `a` and the IPv6 pool are always there. */
export const optionalPools: ReadonlyArray<string> = ['b', 'c']

export const poolNamed = (name: string): IPPool => {
  const cidr = { ...cidrs, ...lastPool }[name] as string
  return {
    name,
    cidr,
    blockSize: cidr.includes(':') ? 125 : 29,
    disabled: false,
    terminating: false,
    allocatable: true,
    nodeSelector: 'all()',
    allowedUses: ['Workload', 'Tunnel'],
    // Of the optional ones the service may use both, and everybody else the first.
    assignmentMode: name === 'c' ? 'Manual' : 'Automatic',
    ipipMode: 'Never',
    vxlanMode: 'Never',
    natOutgoing: false,
    disableBGPExport: false,
  }
}

const firstConfig: Values['IPAMConfig'] = {
  strictAffinity: false,
  autoAllocateBlocks: true,
  maxBlocksPerHost: 0,
  ipCooldownSeconds: 0,
}

export const nodeWrite = (name: string): Write => ({
  op: 'create',
  key: { kind: 'Node', name },
  value: { name, labels: { host: name } },
})

/** Stores them, and from then on remembers what they have been. */
export const prepareSettings = (world: World, nodes: ReadonlyArray<string>): Settings => {
  const { store } = world
  const settings: Settings = {
    pools: new History<ReadonlyArray<IPPool>>([]),
    reserved: new History<ReadonlyArray<string>>([]),
    config: new History(firstConfig),
  }
  store.onChange((changes) => {
    for (const { key, after } of changes) {
      const atMs = world.nowMs
      if (key.kind === 'IPPool') {
        const pools = store.list({ list: 'IPPool' }).map(({ value }) => value)
        settings.pools.set(atMs, pools)
      } else if (key.kind === 'IPReservation') {
        const value = after?.value as Values['IPReservation'] | undefined
        settings.reserved.set(atMs, value?.reservedCIDRs ?? [])
      } else if (key.kind === 'IPAMConfig') {
        settings.config.set(atMs, (after?.value as Values['IPAMConfig']) ?? firstConfig)
      }
    }
  })
  const writer = { node: 'operator', what: 'installation', startedMs: 0 }
  const write = (one: Write): unknown => store.apply([one], writer)
  for (const name of Object.keys(cidrs)) {
    write({ op: 'create', key: { kind: 'IPPool', name }, value: poolNamed(name) })
  }
  for (const name of nodes) write(nodeWrite(name))
  write({ op: 'create', key: { kind: 'IPAMConfig' }, value: firstConfig } as Write)
  return settings
}
