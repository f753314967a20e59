/** The controller as a process of its own, asked by its metrics and by the kernel. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, type RunningProcess, startProcess } from '@hc-calico/cluster/process'
import type { Front } from './front.ts'

const mebibyte = 1024 * 1024
const executable = join(
  import.meta.dirname,
  '../../packages/controller/dist/bin/hc-calico-controller.js',
)

export interface Measured {
  readonly process: RunningProcess
  /** Samples by name with labels. */
  readonly metrics: () => Promise<ReadonlyMap<string, number>>
}

const metricsOf = async (port: number): Promise<ReadonlyMap<string, number>> => {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`)
  const lines = (await response.text()).split('\n').filter((line) => /^[a-z]/.test(line))
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ')
      return [line.slice(0, at), Number(line.slice(at + 1))] as const
    }),
  )
}

const kubeconfigFor = (server: string): object => ({
  ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'front' },
  clusters: [{ name: 'front', cluster: { server, 'insecure-skip-tls-verify': true } }],
  users: [{ name: 'front', user: {} }],
  contexts: [{ name: 'front', context: { cluster: 'front', user: 'front' } }],
})

export const startMeasured = async (front: Front, directory: string): Promise<Measured> => {
  const port = await freePort()
  const kubeconfig = join(directory, 'front.kubeconfig')
  writeFileSync(kubeconfig, JSON.stringify(kubeconfigFor(front.url)))
  const args = [
    executable,
    ...[`--kubeconfig=${kubeconfig}`, `--listen=127.0.0.1:${port}`, '--qps=0'],
  ]
  const logFile = join(directory, 'controller.log')
  const process_ = await startProcess({ name: 'controller', file: process.execPath, args, logFile })
  return { process: process_, metrics: () => metricsOf(port) }
}

export const isSynced = (metrics: ReadonlyMap<string, number>): boolean => {
  const synced = [...metrics].filter(([name]) =>
    name.startsWith('hc_calico_controller_source_synced'),
  )
  return synced.length > 0 && synced.every(([, value]) => value === 1)
}

export const ran = (metrics: ReadonlyMap<string, number>): boolean => {
  const loops = [...metrics].filter(([name]) => /_loop_stalled\{/.test(name))
  const done = [...metrics].filter(([name]) => /^hc_calico_controller_runs_total.*done/.test(name))
  return loops.length > 0 && done.length >= loops.length
}

export const sample = async ({ metrics }: Measured) => {
  const all = await metrics()
  const get = (name: string): number => all.get(name) ?? Number.NaN
  return {
    all,
    residentMiB: Math.round(get('process_resident_memory_bytes') / mebibyte),
    heapMiB: Math.round(get('nodejs_heap_size_used_bytes') / mebibyte),
    cpuSeconds: get('process_cpu_seconds_total'),
    lagSeconds: get('nodejs_eventloop_lag_max_seconds'),
  }
}

/** What the kernel saw as the most. */
export const peakMiBOf = (pid: number): number => {
  const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Math.round(Number(line?.[1]) / 1024)
}
