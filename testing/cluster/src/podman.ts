/**
 * Debian's podman in a node's network namespace, with CNI networks. It keeps state in places that
 * cannot be configured (/run/netns, /var/lib/cni), so it runs in a mount namespace in which these
 * are its own; a process that sleeps keeps that namespace between calls.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type OwnCgroup, ownCgroup } from './cgroup.ts'
import { type CommandResult, tryCommand } from './command.ts'
import { imageName, makeImage } from './container-image.ts'
import { debianPlugins } from './containerd.ts'
import { makeDirectory, type OwnDirectory } from './directory.ts'
import { requireInstalled } from './etcd.ts'
import type { NetworkNamespace } from './netns.ts'
import { type RunningProcess, startProcess, waitUntil } from './process.ts'

export interface PodmanOptions {
  readonly node: NetworkNamespace
  /** Searched before Debian's plugins. */
  readonly plugins: ReadonlyArray<string>
  /** A CNI configuration list; its name is the network's. */
  readonly network: { readonly name: string }
}

export interface Podman {
  /** Any podman command; its standard output. Rejects when it fails. */
  podman(...args: ReadonlyArray<string>): Promise<string>
  /** The same, whatever its exit code. */
  tryPodman(...args: ReadonlyArray<string>): Promise<CommandResult>
  /** `podman run` of a shell command on the network; its standard output. */
  run(options: ReadonlyArray<string>, script: string): Promise<string>
  /** Removes all containers, then everything else. */
  stop(): Promise<void>
}

const podmanTimeoutMs = 60_000
const readyTimeoutMs = 10_000

const configuration = (directory: string, plugins: ReadonlyArray<string>): string => `
[containers]
# The hard limit of a sandbox may be below podman's default.
default_ulimits = ["nofile=1024:4096", "nproc=1024:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
runtime = "runc"
[network]
network_backend = "cni"
cni_plugin_dirs = ${JSON.stringify(plugins)}
network_config_dir = "${directory}/net.d"
`

/** $1: the directory. Mounts made here are seen by nobody else. */
const holdScript = `
set -e
mount --make-rprivate /
mkdir -p /run/netns /var/lib/cni /run/containers
mount -t tmpfs none /run/netns
mount -t tmpfs none /run/containers
mkdir -p "$1/cni"
mount --bind "$1/cni" /var/lib/cni
echo ready
exec sleep infinity
`

class PodmanOnNode implements Podman {
  readonly #directory: OwnDirectory
  readonly #cgroup: OwnCgroup
  readonly #node: NetworkNamespace
  readonly #network: string
  readonly #holder: RunningProcess

  constructor(parts: {
    directory: OwnDirectory
    cgroup: OwnCgroup
    node: NetworkNamespace
    network: string
    holder: RunningProcess
  }) {
    this.#directory = parts.directory
    this.#cgroup = parts.cgroup
    this.#node = parts.node
    this.#network = parts.network
    this.#holder = parts.holder
  }

  tryPodman(...args: ReadonlyArray<string>): Promise<CommandResult> {
    const { path } = this.#directory
    const enter = [`--target=${this.#holder.pid}`, '--mount', `--net=${this.#node.path}`, '--']
    const storage = ['--root', join(path, 'root'), '--runroot', join(path, 'run')]
    const program = [requireInstalled('/usr/bin/podman'), ...storage, '--tmpdir', join(path, 'tmp')]
    return tryCommand('nsenter', [...enter, ...program, ...args], {
      timeoutMs: podmanTimeoutMs,
      env: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        // Where it looks for its policy before /etc.
        HOME: path,
        CONTAINERS_CONF: join(path, 'containers.conf'),
      },
    })
  }

  async podman(...args: ReadonlyArray<string>): Promise<string> {
    const { exitCode, stdout, stderr } = await this.tryPodman(...args)
    if (exitCode === 0) return stdout
    throw new Error(`podman ${args.join(' ')}: exit code ${exitCode}: ${stderr.trim()}`)
  }

  run(options: ReadonlyArray<string>, script: string): Promise<string> {
    const place = ['--network', this.#network, '--cgroup-parent', `/${this.#cgroup.name}`]
    return this.podman('run', ...place, ...options, imageName, '/bin/sh', '-c', script)
  }

  async loadImage(): Promise<void> {
    await this.podman('load', '--input', await makeImage(join(this.#directory.path, 'image')))
  }

  async stop(): Promise<void> {
    await this.tryPodman('rm', '--all', '--force', '--time', '0').catch(() => undefined)
    this.#cgroup.remove()
    await this.#holder.kill()
    this.#directory.remove()
  }
}

const writeSettings = (path: string, options: PodmanOptions): void => {
  for (const name of ['net.d', 'image', '.config/containers']) {
    mkdirSync(join(path, name), { recursive: true })
  }
  const plugins = [...options.plugins, requireInstalled(debianPlugins)]
  writeFileSync(join(path, 'containers.conf'), configuration(path, plugins))
  const policy = { default: [{ type: 'insecureAcceptAnything' }] }
  writeFileSync(join(path, '.config/containers/policy.json'), JSON.stringify(policy))
  writeFileSync(join(path, 'net.d/10-test.conflist'), JSON.stringify(options.network))
}

/** Resolves when it has an image and can run containers. */
export const startPodman = async (options: PodmanOptions): Promise<Podman> => {
  const directory = makeDirectory('podman')
  writeSettings(directory.path, options)
  const holder = await startProcess({
    name: 'the mount namespace of podman',
    file: 'unshare',
    args: ['--mount', '--', 'sh', '-c', holdScript, 'sh', directory.path],
    logFile: join(directory.path, 'mounts.log'),
  })
  const { node } = options
  const cgroup = ownCgroup('podman')
  const network = options.network.name
  const podman = new PodmanOnNode({ directory, cgroup, node, network, holder })
  const wait = { what: 'podman has its mounts', timeoutMs: readyTimeoutMs, needs: [holder] }
  try {
    await waitUntil(wait, () => holder.tail().endsWith('ready'))
    await podman.loadImage()
    return podman
  } catch (error) {
    await podman.stop()
    throw error
  }
}
