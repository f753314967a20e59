/**
 * Debian's containerd and runc in a node's network namespace, with CNI plugins of the test's choice
 * and a client of its CRI. It is started with nsenter, not `ip netns exec`, which would hide the
 * cgroup mounts; everything it writes, the pods' namespaces included, is below one directory.
 */
import { mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type OwnCgroup, ownCgroup } from './cgroup.ts'
import { command } from './command.ts'
import { imageName, makeImage } from './container-image.ts'
import { type CRI, createCRI } from './cri.ts'
import { makeDirectory, type OwnDirectory } from './directory.ts'
import { requireInstalled } from './etcd.ts'
import { removeDirectory } from './leftovers.ts'
import type { NetworkNamespace } from './netns.ts'
import { type RunningProcess, startProcess, waitUntil } from './process.ts'

export interface ContainerdOptions {
  readonly node: NetworkNamespace
  /** Directories with plugins; where two have the same name, the first counts. */
  readonly plugins: ReadonlyArray<string>
  /** The network; absent: there is none until `configureNetwork`. */
  readonly network?: object
}

export interface Containerd {
  readonly socket: string
  readonly cri: CRI
  readonly logFile: string
  /** Replaces the network configuration list and waits until it counts. */
  configureNetwork(conflist: object): Promise<void>
  /** kill -9 of the daemon; the pods run on. */
  kill(): Promise<void>
  /** After `kill` and the end of all pods: what a reboot forgets (tasks, mounts, namespaces). */
  forgetState(): void
  start(): Promise<void>
  /** Stops and removes all pods, then ends it. */
  stop(): Promise<void>
}

const readyTimeoutMs = 30_000

/** Where Debian has the reference plugins; the CRI wants `loopback`. */
export const debianPlugins = '/usr/lib/cni'

const configuration = (directory: string): string => `
version = 2
root = "${directory}/root"
state = "${directory}/state"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
]
[grpc]
  address = "${directory}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${imageName}"
  disable_apparmor = true
  # Without it runc dies where CAP_SYS_RESOURCE is missing, as in many sandboxes.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${directory}/cni/bin"
    conf_dir = "${directory}/cni/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
`

/** One directory with links to all plugins, because this containerd takes one only. */
const linkPlugins = (target: string, directories: ReadonlyArray<string>): void => {
  mkdirSync(target, { recursive: true })
  for (const directory of [...directories, requireInstalled(debianPlugins)]) {
    const taken = new Set(readdirSync(target))
    for (const name of readdirSync(directory).filter((one) => !taken.has(one))) {
      const file = join(directory, name)
      if (statSync(file).isFile()) symlinkSync(file, join(target, name))
    }
  }
}

class Daemon implements Containerd {
  readonly socket: string
  readonly logFile: string
  readonly cri: CRI
  readonly #directory: OwnDirectory
  readonly #node: NetworkNamespace
  readonly #cgroup: OwnCgroup
  #process: RunningProcess | undefined

  constructor(directory: OwnDirectory, node: NetworkNamespace) {
    this.#directory = directory
    this.#node = node
    this.socket = join(directory.path, 'containerd.sock')
    this.logFile = join(directory.path, 'containerd.log')
    this.#cgroup = ownCgroup('pods')
    const cgroupParent = `/${this.#cgroup.name}`
    this.cri = createCRI({ socket: this.socket, cgroupParent, image: imageName })
  }

  async start(): Promise<void> {
    const daemon = await startProcess({
      name: 'containerd',
      file: requireInstalled('/usr/bin/containerd'),
      args: ['--config', join(this.#directory.path, 'config.toml')],
      logFile: this.logFile,
      netns: this.#node.path,
    })
    this.#process = daemon
    const wait = { what: 'containerd is ready', timeoutMs: readyTimeoutMs, needs: [daemon] }
    await waitUntil(wait, async () => (await this.cri.networkCondition()) !== '')
  }

  async importImage(): Promise<void> {
    const archive = await makeImage(join(this.#directory.path, 'image'))
    const target = ['-a', this.socket, '-n', 'k8s.io']
    await command('ctr', [...target, 'images', 'import', archive])
  }

  async configureNetwork(conflist: object): Promise<void> {
    const file = join(this.#directory.path, 'cni/net.d/10-test.conflist')
    writeFileSync(file, JSON.stringify(conflist))
    const wait = { what: 'containerd sees the network configuration', timeoutMs: readyTimeoutMs }
    await waitUntil(wait, async () => (await this.cri.networkCondition()) === 'NetworkReady')
  }

  async kill(): Promise<void> {
    await this.#process?.kill()
  }

  forgetState(): void {
    removeDirectory(join(this.#directory.path, 'state'))
  }

  async #removePods(): Promise<void> {
    const pods = await this.cri.listPods()
    await Promise.allSettled(
      pods.map(async (id) => {
        await this.cri.stopPod(id)
        await this.cri.removePod(id)
      }),
    )
  }

  async stop(): Promise<void> {
    if (this.#process?.isRunning() === true) await this.#removePods().catch(() => undefined)
    this.cri.close()
    await this.#process?.stop()
    this.#cgroup.remove()
    this.#directory.remove()
  }
}

/** Resolves when it can run pods (or would, once it has a network). */
export const startContainerd = async (options: ContainerdOptions): Promise<Containerd> => {
  const directory = makeDirectory('containerd')
  linkPlugins(join(directory.path, 'cni/bin'), options.plugins)
  mkdirSync(join(directory.path, 'cni/net.d'), { recursive: true })
  mkdirSync(join(directory.path, 'image'))
  writeFileSync(join(directory.path, 'config.toml'), configuration(directory.path))
  const daemon = new Daemon(directory, options.node)
  try {
    await daemon.start()
    await daemon.importImage()
    if (options.network !== undefined) await daemon.configureNetwork(options.network)
    return daemon
  } catch (error) {
    await daemon.stop()
    throw error
  }
}
