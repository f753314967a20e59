/**
 * Network namespaces for tests that need a kernel: one that plays the host, any number that play
 * containers. All names begin with `hc-`; everything goes away with `close`. iproute2 is the
 * oracle: what the tests assert is what `ip -j` says.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'

export interface IPLink {
  readonly ifindex: number
  readonly ifname: string
  readonly flags: ReadonlyArray<string>
  readonly mtu: number
  readonly address: string
  readonly link_index?: number
  readonly num_tx_queues?: number
  readonly num_rx_queues?: number
  readonly addr_info?: ReadonlyArray<{
    readonly family: string
    readonly local: string
    readonly prefixlen: number
    readonly scope: string
    readonly tentative?: boolean
  }>
}

export interface IPRoute {
  readonly type?: string
  readonly dst: string
  readonly gateway?: string
  readonly dev?: string
  readonly scope?: string
  readonly protocol?: string
}

const run = (file: string, args: ReadonlyArray<string>): string =>
  execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

/** One namespace. */
export class LabNamespace {
  readonly name: string
  readonly path: string

  constructor(name: string) {
    this.name = name
    this.path = `/run/netns/${name}`
    run('ip', ['netns', 'add', name])
  }

  ip(...args: ReadonlyArray<string>): string {
    return run('ip', ['-n', this.name, ...args])
  }

  #json<T>(...args: ReadonlyArray<string>): T {
    return JSON.parse(this.ip('-j', '-d', ...args) || '[]') as T
  }

  links(): ReadonlyArray<IPLink> {
    return this.#json<ReadonlyArray<IPLink>>('addr', 'show').filter((link) => link.ifname !== 'lo')
  }

  link(name: string): IPLink | undefined {
    return this.links().find((link) => link.ifname === name)
  }

  /** `address/prefix` of a link, link-local ones left out. */
  addresses(name: string): ReadonlyArray<string> {
    return (this.link(name)?.addr_info ?? [])
      .filter((one) => one.scope !== 'link')
      .map((one) => `${one.local}/${one.prefixlen}`)
  }

  /** The main table; `ip` leaves `/32` and `/128` out. */
  routes(family: 4 | 6 = 4): ReadonlyArray<IPRoute> {
    return this.#json<ReadonlyArray<IPRoute>>(`-${family}`, 'route', 'show', 'table', 'main')
  }

  routeTo(dst: string): IPRoute | undefined {
    return this.routes(dst.includes(':') ? 6 : 4).find((route) => route.dst === dst)
  }

  sysctl(path: string): string {
    return this.run('cat', [`/proc/sys/net/${path}`]).trim()
  }

  setSysctl(path: string, value: string): void {
    this.run('sh', ['-c', `echo ${value} > /proc/sys/net/${path}`])
  }

  /** A command inside, without the mounts of `ip netns exec`. */
  run(file: string, args: ReadonlyArray<string>): string {
    return run('nsenter', [`--net=${this.path}`, file, ...args])
  }

  /** Whether a ping comes back. */
  reaches(address: string): boolean {
    const args = [`--net=${this.path}`, 'ping', '-c1', '-W2', address]
    return spawnSync('nsenter', args).status === 0
  }

  delete(): void {
    if (existsSync(this.path)) run('ip', ['netns', 'del', this.name])
  }
}

export class NetworkLab {
  readonly #prefix = `hc-${randomBytes(3).toString('hex')}`
  readonly #namespaces: LabNamespace[] = []
  readonly host: LabNamespace

  /** A host with forwarding and a default route: without one nobody answers for the gateway. */
  constructor() {
    this.host = this.namespace('host')
    try {
      this.#connectHost()
    } catch (error) {
      this.close()
      throw error
    }
  }

  #connectHost(): void {
    this.host.ip('link', 'set', 'lo', 'up')
    this.host.ip('link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'up1')
    for (const name of ['up0', 'up1']) this.host.ip('link', 'set', name, 'up')
    this.host.ip('addr', 'add', '192.0.2.1/24', 'dev', 'up0')
    this.host.ip('addr', 'add', '2001:db8:ffff::1/64', 'dev', 'up0', 'nodad')
    this.host.ip('route', 'add', 'default', 'via', '192.0.2.2')
    this.host.ip('-6', 'route', 'add', 'default', 'via', '2001:db8:ffff::2')
    this.host.setSysctl('ipv4/ip_forward', '1')
    this.host.setSysctl('ipv6/conf/all/forwarding', '1')
  }

  namespace(label: string): LabNamespace {
    const made = new LabNamespace(`${this.#prefix}-${label}`)
    this.#namespaces.push(made)
    return made
  }

  /** Links of the host that are not the lab's own. */
  hostLinks(): ReadonlyArray<IPLink> {
    return this.host.links().filter(({ ifname }) => !ifname.startsWith('up') && ifname !== 'lan0')
  }

  close(): void {
    for (const namespace of this.#namespaces.splice(0)) namespace.delete()
  }
}
