/**
 * `npm run cluster`: a real etcd and kube-apiserver to play with, until Ctrl-C.
 *
 *   npm run cluster -- [--controller-manager] [--scheduler] [--crds DIRECTORY]...
 *   npm run cluster -- --node [--plugins DIRECTORY]... [--network CONFLIST] [--crds DIRECTORY]...
 *   npm run cluster -- --etcd-only [--members 3]
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { imageName } from './container-image.ts'
import { startEtcd } from './etcd.ts'
import { startEtcdCluster } from './etcd-cluster.ts'
import { type Kubernetes, startKubernetes } from './kubernetes.ts'
import { createLAN } from './lan.ts'
import { startNode } from './node.ts'

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

const options = {
  'controller-manager': { type: 'boolean', default: false },
  scheduler: { type: 'boolean', default: false },
  node: { type: 'boolean', default: false },
  plugins: { type: 'string', multiple: true, default: [] as string[] },
  network: { type: 'string' },
  crds: { type: 'string', multiple: true, default: [] as string[] },
  'etcd-only': { type: 'boolean', default: false },
  members: { type: 'string', default: '1' },
  help: { type: 'boolean', short: 'h', default: false },
} as const

const usage = `npm run cluster -- [--controller-manager] [--scheduler] [--crds DIRECTORY]...
    an API server, and what else is asked for
npm run cluster -- --node [--plugins DIRECTORY]... [--network CONFLIST] [--crds DIRECTORY]...
    the whole control plane and one node that runs pods, by default on Debian's ptp plugin
npm run cluster -- --etcd-only [--members 3]
    etcd alone; three members have TLS and client certificates`

const pointToPoint = {
  cniVersion: '1.0.0',
  name: 'play',
  plugins: [{ type: 'ptp', ipam: { type: 'host-local', ranges: [[{ subnet: '10.79.0.0/16' }]] } }],
}

const showKubernetes = ({ kubeconfig, url, etcd, binaries }: Kubernetes): void => {
  say(`the API server: ${url}`)
  say(`its etcd:       ${etcd.endpoint}`)
  say('')
  say(`export KUBECONFIG=${kubeconfig}`)
  say(`alias kubectl=${binaries('kubectl')}`)
}

const runEtcd = async (members: string): Promise<void> => {
  if (members === '1') {
    const etcd = await startEtcd()
    say(`export ETCDCTL_API=3 ETCDCTL_ENDPOINTS=${etcd.endpoint}`)
    return
  }
  const cluster = await startEtcdCluster()
  const { certFile, keyFile } = await cluster.certificate('player')
  say(`export ETCDCTL_API=3 ETCDCTL_ENDPOINTS=${cluster.endpoints.join(',')}`)
  say(`export ETCDCTL_CACERT=${cluster.caFile} ETCDCTL_CERT=${certFile} ETCDCTL_KEY=${keyFile}`)
}

interface NodeSettings {
  readonly plugins: ReadonlyArray<string>
  readonly network: string | undefined
  readonly crds: ReadonlyArray<string>
}

const runNode = async (settings: NodeSettings): Promise<void> => {
  const { plugins, crds } = settings
  const network =
    settings.network === undefined
      ? pointToPoint
      : (JSON.parse(readFileSync(settings.network, 'utf8')) as object)
  const lan = await createLAN('play')
  const everything = { controllerManager: true, scheduler: true, crds }
  const kubernetes = await startKubernetes({ address: lan.hostAddress, ...everything })
  showKubernetes(kubernetes)
  const node = await startNode({ kubernetes, lan, number: 1, name: 'node-1', plugins, network })
  say(`node-1 is ready: ip netns exec ${node.netns.name} ip route; its pods' image is ${imageName}`)
}

const main = async (): Promise<void> => {
  const { values } = parseArgs({ options })
  if (values.help) return say(usage)
  if (values['etcd-only']) await runEtcd(values.members)
  else if (values.node) await runNode({ ...values, network: values.network })
  else {
    const { scheduler, crds } = values
    const controllerManager = values['controller-manager']
    showKubernetes(await startKubernetes({ controllerManager, scheduler, crds }))
  }
  say('')
  say('Ctrl-C ends it; everything it made goes away.')
  // What was started is waited for by nobody: this keeps the process there.
  setInterval(() => undefined, 60_000)
}

try {
  await main()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
