/**
 * `npm run cluster`: a real etcd and kube-apiserver to play with, until Ctrl-C.
 *
 *   npm run cluster -- [--controller-manager] [--scheduler] [--crds DIRECTORY]...
 *   npm run cluster -- --etcd-only [--members 3]
 */
import { parseArgs } from 'node:util'
import { startEtcd } from './etcd.ts'
import { startEtcdCluster } from './etcd-cluster.ts'
import { type Kubernetes, startKubernetes } from './kubernetes.ts'

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

const options = {
  'controller-manager': { type: 'boolean', default: false },
  scheduler: { type: 'boolean', default: false },
  crds: { type: 'string', multiple: true, default: [] as string[] },
  'etcd-only': { type: 'boolean', default: false },
  members: { type: 'string', default: '1' },
  help: { type: 'boolean', short: 'h', default: false },
} as const

const usage = `npm run cluster -- [--controller-manager] [--scheduler] [--crds DIRECTORY]...
npm run cluster -- --etcd-only [--members 3]`

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

const main = async (): Promise<void> => {
  const { values } = parseArgs({ options })
  if (values.help) return say(usage)
  if (values['etcd-only']) await runEtcd(values.members)
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
