/**
 * The machine for real. What only some calls need (rtnetlink, processes, HTTP, adapters) is
 * imported when it is first used: every module at start costs every call.
 */
import { constants, promises as fs } from 'node:fs'
import { hostname } from 'node:os'
import { createIPAM } from '@hc-calico/ipam-core'
import type { Clock } from '@hc-calico/ipam-core/ports'
import type { Machine } from '../machine.ts'
import { openDatastore } from '../open-datastore.ts'
import type { Environment } from '../skel/command-args.ts'

const isMissing = (error: unknown): boolean => {
  const { code } = error as { code?: string }
  return code === 'ENOENT' || code === 'ENOTDIR'
}

const readText = async (path: string, bytesMax: number): Promise<string | undefined> => {
  let file: Awaited<ReturnType<typeof fs.open>>
  try {
    file = await fs.open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
  try {
    const buffer = new Uint8Array(bytesMax)
    const { bytesRead } = await file.read(buffer, 0, bytesMax, 0)
    return new TextDecoder().decode(buffer.subarray(0, bytesRead))
  } finally {
    await file.close()
  }
}

const isExecutable = async (path: string): Promise<boolean> => {
  try {
    await fs.access(path, constants.X_OK)
    return (await fs.stat(path)).isFile()
  } catch {
    return false
  }
}

/** Whole seconds and the fraction separately: a number of nanoseconds would not be exact. */
export const systemClock: Clock = {
  now: () => {
    const ms = performance.timeOrigin + performance.now()
    const whole = Math.floor(ms)
    return BigInt(whole) * 1_000_000n + BigInt(Math.floor((ms - whole) * 1e6))
  },
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}

const httpStatus = async (url: string, waitMsMax: number): Promise<number> => {
  const response = await fetch(url, {
    redirect: 'manual',
    signal: AbortSignal.timeout(waitMsMax),
  })
  await response.body?.cancel()
  return response.status
}

export const realMachine = (env: Environment): Machine => ({
  env,
  pid: process.pid,
  clock: systemClock,
  dataplane: async (notes) => {
    const { createLinuxDataplane } = await import('../dataplane/linux/index.ts')
    return createLinuxDataplane(notes)
  },
  hostLock: async (notes) => {
    const { createHostLock } = await import('../host-lock.ts')
    return createHostLock(notes)
  },
  openDatastore,
  openIPAM: (datastore, msMax, observe) =>
    createIPAM({
      ...{ datastore, observe, clock: systemClock },
      cancellation: AbortSignal.timeout(msMax),
    }),
  kubeClient: async (config) => {
    const { createLeanKubeClient } = await import('@hc-calico/kube-client/lean')
    return createLeanKubeClient(config)
  },
  readText,
  hostname,
  isExecutable,
  execute: async (execution) => {
    const { execute } = await import('./execute.ts')
    return execute(execution)
  },
  httpStatus,
})
