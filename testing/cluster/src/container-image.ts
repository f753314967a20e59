/**
 * A container image made by hand from Debian's static busybox: no registry is needed to run a pod.
 * It is the sandbox's own program ("pause") and the container the tests run commands in.
 */
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { command } from './command.ts'
import { requireInstalled } from './etcd.ts'

export const imageName = 'hc.local/busybox:1'

const applets = ['sh', 'sleep', 'ip', 'ping', 'wget', 'nc', 'cat', 'echo', 'ls', 'true', 'httpd']
const layerTypes = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
} as const
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }

interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
}

const digestOf = (content: Buffer | string): string =>
  createHash('sha256').update(content).digest('hex')

const putRootFileSystem = (root: string): void => {
  for (const directory of ['bin', 'etc', 'tmp', 'proc', 'sys', 'dev']) {
    mkdirSync(join(root, directory), { recursive: true })
  }
  copyFileSync(requireInstalled('/bin/busybox'), join(root, 'bin/busybox'))
  for (const applet of applets) symlinkSync('busybox', join(root, 'bin', applet))
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/:/bin/sh\n')
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\n')
}

/** An OCI image layout as one tar archive, for `ctr images import` and `podman load`. */
export const makeImage = async (directory: string): Promise<string> => {
  const [root, layout] = [join(directory, 'rootfs'), join(directory, 'layout')]
  const blobs = join(layout, 'blobs/sha256')
  mkdirSync(blobs, { recursive: true })
  putRootFileSystem(root)
  const layerFile = join(directory, 'layer.tar')
  const fixed = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner']
  await command('tar', [...fixed, '-C', root, '-cf', layerFile, '.'])

  const put = (mediaType: string, content: Buffer | string): Descriptor => {
    const digest = digestOf(content)
    const file = join(blobs, digest)
    writeFileSync(file, content)
    return { mediaType, digest: `sha256:${digest}`, size: statSync(file).size }
  }
  const layer = put(layerTypes.layer, readFileSync(layerFile))
  const config = put(
    layerTypes.config,
    JSON.stringify({
      architecture: architectures[process.arch] ?? process.arch,
      os: 'linux',
      config: { Env: ['PATH=/bin'], Cmd: ['/bin/sleep', '1000000000'] },
      rootfs: { type: 'layers', diff_ids: [layer.digest] },
    }),
  )
  const manifest = put(
    layerTypes.manifest,
    JSON.stringify({ schemaVersion: 2, mediaType: layerTypes.manifest, config, layers: [layer] }),
  )
  const annotations = {
    'io.containerd.image.name': imageName,
    'org.opencontainers.image.ref.name': imageName,
  }
  const index = { schemaVersion: 2, manifests: [{ ...manifest, annotations }] }
  writeFileSync(join(layout, 'index.json'), JSON.stringify(index))
  writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  const archive = join(directory, 'image.tar')
  await command('tar', [...fixed, '-C', layout, '-cf', archive, '.'])
  return archive
}
