/**
 * A client of a store that lives in another process, so that two clients are as independent as two
 * plugin calls. The process runs `serveDatastore`; messages are structured clones, which keep
 * 64-bit integers. Watches stay where they are: this is for reads and commits.
 */
import { type ChildProcess, fork } from 'node:child_process'
import type { Datastore } from '@hc-calico/ipam-core/ports'
import { datastoreError } from '@hc-calico/ipam-core/ports'
import { left } from 'fp-ts/lib/Either.js'

interface Asked {
  readonly id: number
  readonly call: 'read' | 'commit'
  readonly argument: unknown
}

interface Answered {
  readonly id: number
  readonly result: unknown
}

/** Serves a store to the parent process until the connection ends. */
export const serveDatastore = (store: Datastore): void => {
  process.on('message', async ({ id, call, argument }: Asked) => {
    const result = await store[call](argument as never)()
    process.send?.({ id, result } satisfies Answered)
  })
  process.on('disconnect', () => {
    store.close().then(() => process.exit(0))
  })
  process.send?.({ id: 0, result: 'ready' } satisfies Answered)
}

const cancelled = datastoreError('Unavailable', 'the call was cancelled before it began')

/** Starts a module that calls `serveDatastore`, and resolves to its store. */
export const openInOtherProcess = async (
  module: string,
  args: ReadonlyArray<string>,
  local: Pick<Datastore, 'capabilities' | 'watch'>,
): Promise<Datastore> => {
  const child: ChildProcess = fork(module, args, {
    serialization: 'advanced',
    execArgv: ['--conditions=hc-calico-source'],
  })
  const waiting = new Map<number, (result: unknown) => void>()
  let calls = 0
  child.on('message', ({ id, result }: Answered) => {
    waiting.get(id)?.(result)
    waiting.delete(id)
  })
  await new Promise((resolve, reject) => {
    waiting.set(0, resolve)
    child.once('exit', (code) => reject(new Error(`${module} ended with ${code}`)))
  })
  const ask = (call: Asked['call'], argument: unknown): Promise<never> =>
    new Promise((resolve) => {
      calls += 1
      waiting.set(calls, resolve as (result: unknown) => void)
      child.send({ id: calls, call, argument } satisfies Asked)
    })
  return {
    capabilities: local.capabilities,
    read: (queries, options) => async () =>
      options?.cancellation?.aborted ? left(cancelled) : ask('read', queries),
    commit: (writes, options) => async () =>
      options?.cancellation?.aborted
        ? left({ error: cancelled, applied: [], current: [] })
        : ask('commit', writes),
    watch: (kind, cancellation) => local.watch(kind, cancellation),
    close: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve())
        child.disconnect()
      }),
  }
}
