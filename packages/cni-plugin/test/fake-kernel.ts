/** A dataplane in memory: namespaces, links by both names, host routes. It keeps the port's rules. */
import type { Dataplane } from '../src/dataplane/dataplane.ts'

export interface FakeLink {
  readonly hostInterface: string
  readonly netns: string
  readonly containerInterface: string
  readonly mac: string
  readonly mtu: number
  readonly addresses: ReadonlyArray<string>
  readonly routes: ReadonlyArray<string>
}

export class FakeKernel {
  readonly namespaces = new Set<string>()
  /** Paths that exist and are no namespace. */
  readonly plainFiles = new Set<string>()
  ownNamespace = '/proc/self/ns/net'
  links: FakeLink[] = []
  hostRoutes = new Map<string, string>()
  /** Steps that fail next. */
  failing = new Set<keyof Dataplane>()
  /** Calls made while the IPAM lock was held: there must be none. */
  readonly underLock: string[] = []
  readonly requests: unknown[] = []
  isLocked: () => boolean = () => false
  #macs = 0

  readonly #enter = (name: keyof Dataplane): void => {
    if (this.isLocked()) this.underLock.push(name)
    if (this.failing.has(name)) throw new Error(`${name}: operation not permitted`)
  }

  readonly #drop = (gone: (link: FakeLink) => boolean): void => {
    for (const link of this.links.filter(gone)) {
      for (const [ip, via] of this.hostRoutes) {
        if (via === link.hostInterface) this.hostRoutes.delete(ip)
      }
    }
    this.links = this.links.filter((link) => !gone(link))
  }

  /** Everything that exists, as text: two equal texts mean nothing changed. */
  readonly picture = (): string =>
    JSON.stringify([this.links, [...this.hostRoutes], [...this.namespaces]])

  readonly dataplane: Dataplane = {
    inspectNamespace: async (netns) => ({
      state:
        this.namespaces.has(netns) || netns === this.ownNamespace
          ? 'present'
          : this.plainFiles.has(netns)
            ? 'notANamespace'
            : 'missing',
      isOwn: netns === this.ownNamespace,
    }),
    addWorkload: async (request) => {
      this.requests.push(request)
      const { hostInterface, netns, containerInterface, addresses } = request
      this.#drop((link) => link.hostInterface === hostInterface)
      this.#enter('addWorkload')
      if (!this.namespaces.has(netns)) throw new Error(`${netns}: no such file or directory`)
      if (
        this.links.some(
          (one) => one.netns === netns && one.containerInterface === containerInterface,
        )
      ) {
        throw new Error(`${containerInterface}: file exists`)
      }
      const taken = addresses.find((ip) => this.hostRoutes.has(ip))
      if (taken !== undefined)
        throw new Error(`${taken} is routed to ${this.hostRoutes.get(taken)}`)
      this.#macs += 1
      const mac = request.containerMAC ?? `0a:58:00:00:00:${String(this.#macs).padStart(2, '0')}`
      const mtu = request.mtu === 0 ? 1500 : request.mtu
      const routes = request.routes.map((route) => route.dst)
      this.links.push({ hostInterface, netns, containerInterface, mac, mtu, addresses, routes })
      for (const ip of addresses) this.hostRoutes.set(ip, hostInterface)
      return { hostInterface, containerMAC: mac, mtu }
    },
    deleteWorkload: async ({ netns, containerInterface }) => {
      this.#enter('deleteWorkload')
      this.#drop((one) => one.netns === netns && one.containerInterface === containerInterface)
    },
    checkWorkload: async (request) => {
      this.#enter('checkWorkload')
      const link = this.links.find(
        (one) =>
          one.netns === request.netns && one.containerInterface === request.containerInterface,
      )
      if (link === undefined)
        return [`${request.containerInterface} is missing in ${request.netns}`]
      const wrong = request.addresses.filter((ip) => !link.addresses.includes(ip))
      return wrong.map((ip) => `${request.containerInterface} lacks ${ip}`)
    },
    deleteHostInterface: async (hostInterface) => {
      this.#enter('deleteHostInterface')
      this.#drop((one) => one.hostInterface === hostInterface)
    },
  }
}
