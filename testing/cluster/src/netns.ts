/**
 * Network namespaces: bare ones for pods, and ones that play a node. The machine's own interfaces
 * and routes are never touched: a test's whole world is inside namespaces whose names begin with
 * `hc-`. Commands inside run through nsenter, because `ip netns exec` hides the cgroup mounts.
 */
import { existsSync } from 'node:fs'
import { type CommandOptions, command, tryCommand } from './command.ts'
import { destroyNamespace, removeLeftovers } from './leftovers.ts'
import { atEnd, ownedName } from './teardown.ts'

export interface LinkInfo {
  readonly ifindex: number
  readonly ifname: string
  readonly mtu: number
  readonly address: string
  readonly flags: ReadonlyArray<string>
}

export interface RouteInfo {
  readonly dst: string
  readonly type?: string
  readonly gateway?: string
  readonly dev?: string
  readonly scope?: string
}

const pingWaitSeconds = 2

export class NetworkNamespace {
  readonly name: string
  readonly path: string
  readonly #forget: () => void

  constructor(name: string) {
    this.name = name
    this.path = `/run/netns/${name}`
    this.#forget = atEnd(`network namespace ${name}`, () => destroyNamespace(name))
  }

  /** Runs a program inside; its standard output. */
  exec(
    file: string,
    args: ReadonlyArray<string> = [],
    options: CommandOptions = {},
  ): Promise<string> {
    return command('nsenter', [`--net=${this.path}`, '--', file, ...args], options)
  }

  ip(...args: ReadonlyArray<string>): Promise<string> {
    return command('ip', ['-n', this.name, ...args])
  }

  /** All but the loopback. */
  async links(): Promise<ReadonlyArray<LinkInfo>> {
    const links = JSON.parse((await this.ip('-j', 'link', 'show')) || '[]') as LinkInfo[]
    return links.filter((link) => link.ifname !== 'lo')
  }

  /** The main table of a family; `ip` leaves /32 and /128 out of `dst`. */
  async routes(family: 4 | 6): Promise<ReadonlyArray<RouteInfo>> {
    const shown = await this.ip('-j', `-${family}`, 'route', 'show', 'table', 'main')
    return JSON.parse(shown || '[]') as RouteInfo[]
  }

  /** Whether a ping comes back; one try, bounded. */
  async reaches(address: string): Promise<boolean> {
    const wait = String(pingWaitSeconds)
    const args = [`--net=${this.path}`, '--', 'ping', '-n', '-c', '1', '-W', wait, address]
    return (await tryCommand('nsenter', args)).exitCode === 0
  }

  setSysctl(key: string, value: string): Promise<string> {
    const file = `/proc/sys/net/${key}`
    return this.exec('sh', ['-c', `echo "$1" > "$2"`, 'sh', value, file])
  }

  /** Kills what runs inside; the links inside go with it. */
  async delete(): Promise<void> {
    this.#forget()
    if (existsSync(this.path)) destroyNamespace(this.name)
  }
}

export const createNamespace = async (label: string): Promise<NetworkNamespace> => {
  removeLeftovers()
  return createNamespaceNamed(ownedName(label))
}

/** With a name a reader will recognise; whatever carries that name already is destroyed. */
export const createNamespaceNamed = async (name: string): Promise<NetworkNamespace> => {
  if (!name.startsWith('hc-')) throw new Error(`the namespace ${name} must begin with hc-`)
  if (existsSync(`/run/netns/${name}`)) destroyNamespace(name)
  await command('ip', ['netns', 'add', name])
  const made = new NetworkNamespace(name)
  await made.ip('link', 'set', 'lo', 'up')
  return made
}

/** The addresses of a node namespace without a network around it, on its uplink. */
export const nodeAddresses = { v4: '192.0.2.1', v6: '2001:db8:ffff::1' } as const

/**
 * Makes a namespace a node: forwarding on, and a default route of each family. Without a route to
 * 169.254.1.1 the kernel answers no ARP request for it, and nothing leaves a pod. The route leads
 * to the other end of a veth pair, where nobody is.
 */
export const makeNode = async (namespace: NetworkNamespace): Promise<void> => {
  const steps = [
    ['link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'up1'],
    ['link', 'set', 'up0', 'up'],
    ['link', 'set', 'up1', 'up'],
    ['addr', 'add', `${nodeAddresses.v4}/24`, 'dev', 'up0'],
    ['addr', 'add', `${nodeAddresses.v6}/64`, 'dev', 'up0', 'nodad'],
    ['route', 'add', 'default', 'via', '192.0.2.2'],
    ['-6', 'route', 'add', 'default', 'via', '2001:db8:ffff::2'],
  ]
  for (const step of steps) await namespace.ip(...step)
  await enableForwarding(namespace)
}

export const enableForwarding = async (namespace: NetworkNamespace): Promise<void> => {
  await namespace.setSysctl('ipv4/ip_forward', '1')
  await namespace.setSysctl('ipv6/conf/all/forwarding', '1')
}

/** A node of its own, connected to nothing. */
export const createNode = async (label: string): Promise<NetworkNamespace> => {
  const namespace = await createNamespace(label)
  await makeNode(namespace)
  return namespace
}
