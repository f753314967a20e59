/**
 * The controller as a process of its own beside the control plane, in a hurry: seconds where a
 * cluster would have minutes. It can be killed with -9 and started again like everything else.
 */
import { join } from 'node:path'
import type { Etcd } from '@hc-calico/cluster/etcd'
import { freePort, type RunningProcess, startProcess, waitUntil } from '@hc-calico/cluster/process'

const program = join(
  import.meta.dirname,
  '../../packages/controller/src/bin/hc-calico-controller.ts',
)

const hurry = {
  'leak-grace': '5s',
  'retention-grace': '2s',
  'lease-duration': '3s',
  'renew-deadline': '2s',
  'retry-period': '500ms',
}

const readyTimeoutMs = 60_000

export class ControllerProcess {
  readonly #args: ReadonlyArray<string>
  readonly #url: string
  readonly #logFile: string
  #process: RunningProcess | undefined

  constructor(args: ReadonlyArray<string>, url: string, logFile: string) {
    this.#args = args
    this.#url = url
    this.#logFile = logFile
  }

  /** Resolves when its caches are filled and its loops run. */
  async start(): Promise<void> {
    const started = await startProcess({
      name: 'controller',
      file: process.execPath,
      args: ['--conditions=hc-calico-source', program, ...this.#args],
      logFile: this.#logFile,
    })
    this.#process = started
    const wait = { what: 'the controller is ready', timeoutMs: readyTimeoutMs, needs: [started] }
    await waitUntil({ ...wait, intervalMs: 200 }, async () => (await fetch(this.#url)).ok)
  }

  async kill(): Promise<void> {
    await this.#process?.kill()
  }
}

export const startControllerProcess = async ({
  kubeconfig,
  etcd,
  directory,
}: {
  readonly kubeconfig: string
  readonly etcd: Etcd | undefined
  readonly directory: string
}): Promise<ControllerProcess> => {
  const listen = `127.0.0.1:${await freePort()}`
  const flags = {
    kubeconfig,
    listen,
    ...(etcd === undefined ? {} : { 'etcd-endpoints': etcd.endpoint }),
    ...hurry,
  }
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`)
  const logFile = join(directory, 'controller.log')
  const controller = new ControllerProcess(args, `http://${listen}/readyz`, logFile)
  await controller.start()
  return controller
}
