/**
 * What the commands need from the machine they run on: wiring one container, and one lock between
 * processes. All plain data, so that the commands are tested in process with fakes.
 *
 * The real ones are loaded only when a command needs them (they open libc through FFI):
 * `src/dataplane/linux/index.ts` exports `createLinuxDataplane(notes: Notes): Dataplane`, and
 * `src/host-lock.ts` exports `createHostLock(notes: Notes): HostLock`.
 */

/** Where the dataplane says what it tolerated, e.g. a sysctl that the kernel does not have. */
export interface Notes {
  debug(message: string): void
  warning(message: string): void
}

/** What is behind CNI_NETNS, before anything is changed. */
export interface NetworkNamespaceInfo {
  /** `missing`: no such path. `notANamespace`: the path is something else. */
  readonly state: 'present' | 'missing' | 'notANamespace'
  /** The namespace this process runs in: wiring or clearing it would cut the host off. */
  readonly isOwn: boolean
}

/** A route inside the container; its gateway is the host end of the link. */
export interface ContainerRoute {
  /** Canonical CIDR text, e.g. `0.0.0.0/0`, `::/0`. */
  readonly dst: string
}

export interface AddWorkloadRequest {
  /** Path of the container's network namespace. */
  readonly netns: string
  /** Name inside the container (CNI_IFNAME), at most 15 bytes, validated. */
  readonly containerInterface: string
  /** Name on the host, at most 15 bytes, validated. A link that carries it already is replaced. */
  readonly hostInterface: string
  /** 0: leave it to the kernel. */
  readonly mtu: number
  /** Transmit and receive queues of the pair; 1 unless configured. */
  readonly numQueues: number
  /** `netkit` falls back to `veth` where the kernel has no netkit. */
  readonly deviceType: 'veth' | 'netkit'
  /** Bare addresses in canonical text, IPv4 before IPv6; they become /32 and /128. */
  readonly addresses: ReadonlyArray<string>
  /** Routes inside the container, per family only where there is an address of that family. */
  readonly routes: ReadonlyArray<ContainerRoute>
  /** From the annotation `cni.projectcalico.org/hwAddr`: `aa:bb:cc:dd:ee:ff`, lower case. */
  readonly containerMAC?: string
  /** `net.ipv4.ip_forward` and `net.ipv6.conf.all.forwarding` inside the container. */
  readonly allowIPForwarding: boolean
  /** Leave the host routes to somebody else (Felix). */
  readonly skipHostRoutes: boolean
}

/** What the kernel made of it. */
export interface WorkloadLink {
  readonly hostInterface: string
  /** Lower case, colons. */
  readonly containerMAC: string
  /** As read back from the container's end. */
  readonly mtu: number
}

export interface DeleteWorkloadRequest {
  readonly netns: string
  readonly containerInterface: string
}

export interface CheckWorkloadRequest {
  readonly netns: string
  readonly containerInterface: string
  readonly hostInterface: string
  readonly addresses: ReadonlyArray<string>
  readonly routes: ReadonlyArray<ContainerRoute>
  /** What ADD reported; absent: not compared. */
  readonly containerMAC?: string
  readonly mtu?: number
  /** Whether host routes are expected. */
  readonly skipHostRoutes: boolean
}

/** Every method rejects with a plain Error whose message is one sentence naming the object. */
export interface Dataplane {
  inspectNamespace(netns: string): Promise<NetworkNamespaceInfo>

  /**
   * Wires the container as Calico does. When it rejects it has removed what it had made; a link
   * of the same host name that existed before is gone too.
   */
  addWorkload(request: AddWorkloadRequest): Promise<WorkloadLink>

  /**
   * Deletes the container's interface (the host end and its routes go with it) and resolves when
   * the kernel has done it. A missing namespace or interface is success. It never touches a link
   * by its host name: that name belongs to the pod, and a newer container may carry it by now.
   */
  deleteWorkload(request: DeleteWorkloadRequest): Promise<void>

  /** One sentence per difference between the kernel and what ADD made; none: all is well. */
  checkWorkload(request: CheckWorkloadRequest): Promise<ReadonlyArray<string>>

  /** Deletes a link of the host by name; a missing one is success. Garbage collection only. */
  deleteHostInterface(hostInterface: string): Promise<void>
}

/** The lock that every IPAM process of a host takes: upstream's too. */
export interface HostLock {
  /**
   * Runs `body` while this process holds `flock(LOCK_EX)` on `file`; the directory is created.
   * Best effort as upstream: when the lock cannot be had (no permission, read-only file system),
   * it is noted as a warning and `body` runs all the same; waiting is bounded by `lockWaitMs`.
   */
  run<T>(file: string, body: () => Promise<T>): Promise<T>
}
