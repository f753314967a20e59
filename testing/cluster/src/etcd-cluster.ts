/**
 * Three etcd members, each in a network namespace of its own on one bridge, with TLS and client
 * certificates on both ports, and handles to break them: kill, stop, cut off. With authentication
 * on, the common name of a client's certificate is its user.
 */
import { join } from 'node:path'
import { type Certificate, type CertificateAuthority, createAuthority } from './certificates.ts'
import { command } from './command.ts'
import { makeDirectory, type OwnDirectory } from './directory.ts'
import { etcdBinary, requireInstalled } from './etcd.ts'
import { createLAN, type LAN } from './lan.ts'
import { createNamespace, type NetworkNamespace } from './netns.ts'
import { type RunningProcess, startProcess, waitUntil } from './process.ts'

export interface EtcdUser {
  readonly name: string
  /** Everything below this prefix may be read and written; `root`: the role root. */
  readonly prefix: string
  /** Absent: the user signs in with its certificate only. */
  readonly password?: string
}

export interface EtcdClusterOptions {
  readonly size?: 1 | 3
  /** With users, authentication is on, and there is a user root. */
  readonly users?: ReadonlyArray<EtcdUser>
  /** More flags for every member, e.g. `['--heartbeat-interval', '20', ...]`. */
  readonly args?: ReadonlyArray<string>
}

export interface EtcdMember {
  readonly name: string
  readonly endpoint: string
  readonly address: string
  readonly netns: NetworkNamespace
  tail(): string
  kill(): Promise<void>
  /** After `kill`: the same data. */
  start(): Promise<void>
  pause(): void
  resume(): void
  /**
   * Drops its packets: `all`: nobody reaches it and it reaches nobody; `peers`: only members are
   * cut off, so clients still reach what may be a deposed leader.
   */
  partition(from: 'all' | 'peers'): Promise<void>
  /** Loses this share of the packets, 0 to 100. */
  lose(percent: number): Promise<void>
  /** Undoes `partition` and `lose`. */
  heal(): Promise<void>
}

export interface EtcdCluster {
  readonly endpoints: ReadonlyArray<string>
  readonly members: ReadonlyArray<EtcdMember>
  readonly caFile: string
  /** A client's certificate; the user must exist when authentication is on. */
  certificate(user: string): Promise<Certificate>
  /** Waits for one; `besides` does not count, e.g. because it has just been cut off. */
  leader(besides?: EtcdMember): Promise<EtcdMember>
  /** etcdctl as root, on all endpoints. */
  etcdctl(...args: ReadonlyArray<string>): Promise<string>
  stop(): Promise<void>
}

const ports = { client: 2379, peer: 2380 } as const
const readyTimeoutMs = 30_000

interface World {
  readonly directory: OwnDirectory
  readonly authority: CertificateAuthority
  readonly lan: LAN
  readonly names: ReadonlyArray<string>
  readonly args: ReadonlyArray<string>
}

const peerURL = (world: World, n: number): string => `https://${world.lan.address(n)}:${ports.peer}`

/** Rules of a member's own table, one for each direction; replaced as a whole. */
const nftables = async (netns: NetworkNamespace, rule: string): Promise<void> => {
  const chain = (hook: string, link: string): string =>
    `chain ${hook} { type filter hook ${hook} priority 0; ${link} "lan0" ${rule} drop; };`
  const chains = `${chain('input', 'iifname')} ${chain('output', 'oifname')}`
  const table = rule === unbroken ? '' : `table inet fault { ${chains} }`
  const input = `table inet fault {}\ndelete table inet fault\n${table}\n`
  await netns.exec('nft', ['-f', '-'], { input })
}

const unbroken = 'unbroken'

class Member implements EtcdMember {
  readonly name: string
  readonly endpoint: string
  readonly address: string
  readonly netns: NetworkNamespace
  readonly #world: World
  readonly #certificate: Certificate
  #process: RunningProcess | undefined

  constructor(world: World, n: number, netns: NetworkNamespace, certificate: Certificate) {
    this.name = `member${n}`
    this.address = world.lan.address(n)
    this.endpoint = `https://${this.address}:${ports.client}`
    this.netns = netns
    this.#world = world
    this.#certificate = certificate
  }

  #flags(): ReadonlyArray<string> {
    const { directory, names, authority, args } = this.#world
    const { certFile, keyFile } = this.#certificate
    const peer = `https://${this.address}:${ports.peer}`
    const local = `https://127.0.0.1:${ports.client}`
    const cluster = names.map((name, at) => `${name}=${peerURL(this.#world, at + 1)}`).join(',')
    const tls = (side: string): ReadonlyArray<string> => [
      ...[`--${side}cert-file`, certFile, `--${side}key-file`, keyFile],
      ...[`--${side}trusted-ca-file`, authority.certFile, `--${side}client-cert-auth`],
    ]
    return [
      ...['--name', this.name, '--data-dir', join(directory.path, this.name), '--logger', 'zap'],
      ...['--listen-client-urls', `${this.endpoint},${local}`],
      ...['--advertise-client-urls', this.endpoint],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
      ...['--initial-cluster', cluster, '--initial-cluster-token', 'hc'],
      ...[...tls(''), ...tls('peer-'), ...args],
    ]
  }

  async start(): Promise<void> {
    this.#process = await startProcess({
      name: `etcd ${this.name}`,
      file: requireInstalled(etcdBinary),
      args: this.#flags(),
      logFile: join(this.#world.directory.path, `${this.name}.log`),
      netns: this.netns.path,
    })
  }

  tail(): string {
    return this.#process?.tail() ?? ''
  }

  async kill(): Promise<void> {
    await this.#process?.kill()
  }

  pause(): void {
    this.#process?.signal('SIGSTOP')
  }

  resume(): void {
    this.#process?.signal('SIGCONT')
  }

  async partition(from: 'all' | 'peers'): Promise<void> {
    const peers = `meta l4proto tcp th dport ${ports.peer}`
    await nftables(this.netns, from === 'peers' ? peers : '')
  }

  async lose(percent: number): Promise<void> {
    await nftables(this.netns, `numgen random mod 100 < ${percent}`)
  }

  async heal(): Promise<void> {
    await nftables(this.netns, unbroken)
  }
}

class Cluster implements EtcdCluster {
  readonly members: ReadonlyArray<Member>
  readonly #world: World
  readonly #root: Certificate

  constructor(world: World, members: ReadonlyArray<Member>, root: Certificate) {
    this.#world = world
    this.members = members
    this.#root = root
  }

  get endpoints(): ReadonlyArray<string> {
    return this.members.map((member) => member.endpoint)
  }

  get caFile(): string {
    return this.#world.authority.certFile
  }

  certificate(user: string): Promise<Certificate> {
    return this.#world.authority.issue({ name: `client-${user}`, commonName: user })
  }

  etcdctl(...args: ReadonlyArray<string>): Promise<string> {
    return this.#etcdctlAt(this.endpoints, args)
  }

  #etcdctlAt(at: ReadonlyArray<string>, args: ReadonlyArray<string>): Promise<string> {
    const { certFile, keyFile } = this.#root
    const tls = ['--cacert', this.caFile, '--cert', certFile, '--key', keyFile]
    const endpoints = ['--endpoints', at.join(',')]
    return command(requireInstalled('/usr/bin/etcdctl'), [...tls, ...endpoints, ...args], {
      env: { ETCDCTL_API: '3', PATH: '/usr/bin:/bin' },
    })
  }

  async leader(besides?: EtcdMember): Promise<Member> {
    const candidates = this.members.filter((member) => member !== besides)
    return waitUntil({ what: 'the cluster has a leader', timeoutMs: readyTimeoutMs }, async () => {
      const answers = await Promise.all(candidates.map((member) => this.#leads(member)))
      return candidates[answers.indexOf(true)]
    })
  }

  /** False as well when it does not answer. */
  async #leads(member: Member): Promise<boolean> {
    const args = ['endpoint', 'status', '-w', 'fields', '--command-timeout', '1s']
    const text = await this.#etcdctlAt([member.endpoint], args).catch(() => '')
    const id = (field: string): string => new RegExp(`"${field}" : (\\d+)`).exec(text)?.[1] ?? field
    return id('MemberID') === id('Leader')
  }

  async start(): Promise<void> {
    await Promise.all(this.members.map((member) => member.start()))
    await waitUntil(
      { what: 'the etcd cluster is healthy', timeoutMs: readyTimeoutMs },
      async () => {
        await this.etcdctl('endpoint', 'health', '--command-timeout', '2s')
        return true
      },
    ).catch((error: unknown) => {
      const logs = this.members.map((member) => `--- ${member.name}\n${member.tail()}`)
      throw new Error([String(error), ...logs].join('\n'))
    })
  }

  async enableAuthentication(users: ReadonlyArray<EtcdUser>): Promise<void> {
    await this.etcdctl('user', 'add', 'root', '--no-password')
    await this.etcdctl('user', 'grant-role', 'root', 'root')
    for (const user of users) {
      const role = `role-${user.name}`
      await this.etcdctl('role', 'add', role)
      const grant = ['role', 'grant-permission', role, '--prefix=true', 'readwrite', user.prefix]
      await this.etcdctl(...grant)
      const identity = user.password === undefined ? ['--no-password'] : []
      const name = user.password === undefined ? user.name : `${user.name}:${user.password}`
      await this.etcdctl('user', 'add', name, ...identity)
      await this.etcdctl('user', 'grant-role', user.name, role)
    }
    await this.etcdctl('auth', 'enable')
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()))
    for (const member of this.members) await member.netns.delete()
    await this.#world.lan.remove()
    this.#world.directory.remove()
  }
}

const makeMember = async (world: World, n: number): Promise<Member> => {
  const netns = await createNamespace(`etcd${n}`)
  const address = await world.lan.attach(netns, n)
  const name = `member${n}`
  const hosts = [address, '127.0.0.1', 'localhost']
  const certificate = await world.authority.issue({ name, commonName: name, hosts })
  return new Member(world, n, netns, certificate)
}

/** Resolves when every member is healthy and the users exist. */
export const startEtcdCluster = async (options: EtcdClusterOptions = {}): Promise<EtcdCluster> => {
  const directory = makeDirectory('etcd-cluster')
  const authority = await createAuthority(directory.path, 'hc-calico test etcd')
  const lan = await createLAN('etcd')
  const numbers = Array.from({ length: options.size ?? 3 }, (_, at) => at + 1)
  const names = numbers.map((n) => `member${n}`)
  const world: World = { directory, authority, lan, names, args: options.args ?? [] }
  const members: Member[] = []
  for (const n of numbers) members.push(await makeMember(world, n))
  const root = await authority.issue({ name: 'root', commonName: 'root' })
  const cluster = new Cluster(world, members, root)
  try {
    await cluster.start()
    if (options.users !== undefined) await cluster.enableAuthentication(options.users)
    return cluster
  } catch (error) {
    await cluster.stop()
    throw error
  }
}
