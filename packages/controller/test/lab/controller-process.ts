/** The controller as a process of its own, from its sources, for tests that kill it. */
import { get } from 'node:http'
import { join } from 'node:path'
import { freePort, type RunningProcess, startProcess } from '@hc-calico/cluster/process'
import type { ControllerLab } from './controller-lab.ts'

export interface ControllerProcess {
  readonly name: string
  readonly process: RunningProcess
  /** Status and body; undefined while nothing answers. */
  ask(path: string): Promise<{ readonly status: number; readonly text: string } | undefined>
}

const executable = 'packages/controller/src/bin/hc-calico-controller.ts'
const askMsMax = 2_000

const ask = (url: string): ReturnType<ControllerProcess['ask']> =>
  new Promise((resolve) => {
    const request = get(url, { timeout: askMsMax, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('error', () => resolve(undefined))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(undefined))
  })

/** In a hurry: a lease of two seconds. `directory` gets the log. */
export const startControllerProcess = async (
  lab: ControllerLab,
  name: string,
  directory: string,
  more: ReadonlyArray<string> = [],
): Promise<ControllerProcess> => {
  const port = await freePort()
  const etcd = lab.etcd === undefined ? [] : [`--etcd-endpoints=${lab.etcd.endpoint}`]
  const args = [
    ...['--conditions=hc-calico-source', '--disable-warning=ExperimentalWarning', executable],
    ...[`--kubeconfig=${lab.kubernetes.kubeconfig}`, `--identity=${name}`],
    ...[`--listen=127.0.0.1:${port}`, '--lease-duration=2s', '--renew-deadline=1500ms'],
    ...['--retry-period=200ms', '--qps=0', ...etcd, ...more],
  ]
  const process_ = await startProcess({
    ...{ name, file: process.execPath, args },
    logFile: join(directory, `${name}.log`),
  })
  return { name, process: process_, ask: (path) => ask(`http://127.0.0.1:${port}${path}`) }
}
