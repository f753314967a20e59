/**
 * Writers that allocate and release through ipam-core while something breaks, and the accounts
 * afterwards: who was told that it has which address, and what the datastore holds.
 */
import { createIPAM, IPAMFailure } from '@hc-calico/ipam-core'
import type { Datastore, Write } from '@hc-calico/ipam-core/ports'

export const host = 'node-1'

const pool = {
  name: 'pods',
  cidr: '10.70.0.0/16',
  blockSize: 26,
  disabled: false,
  terminating: false,
  allocatable: true,
  nodeSelector: 'all()',
  allowedUses: ['Workload'],
  assignmentMode: 'Automatic',
  ipipMode: 'Never',
  vxlanMode: 'Never',
  natOutgoing: false,
  disableBGPExport: false,
}

/** A pool, and nodes for the writers. */
export const prepare = async (
  datastore: Datastore,
  hosts: ReadonlyArray<string>,
): Promise<void> => {
  const writes = [
    { op: 'create', key: { kind: 'IPPool', name: pool.name }, value: pool },
    ...hosts.map((name) => ({
      op: 'create',
      key: { kind: 'Node', name },
      value: { name, labels: {} },
    })),
  ] as unknown as ReadonlyArray<Write>
  for (const write of writes) {
    const done = await datastore.commit([write])()
    if (done._tag === 'Left') throw new Error(done.left.error.message)
  }
}

export interface Ledger {
  /** Handle to address, as callers were told; released ones are out again. */
  readonly held: Map<string, string>
  /** Handles of calls that failed: what they hold is not known. */
  readonly doubtful: Set<string>
  /** Times (ms) at which a call succeeded. */
  readonly successes: number[]
  /** Messages of failures. */
  readonly failures: string[]
  callMsMax: number
}

const callFailure = (error: unknown): string => {
  if (error instanceof IPAMFailure) return error.message
  throw error
}

const failurePauseMs = 50

/** Allocates, and gives back every third, until told to stop. */
export const write = async (
  datastore: Datastore,
  id: number,
  on: string,
  ledger: Ledger,
  isOver: () => boolean,
): Promise<void> => {
  const ipam = createIPAM({ datastore })
  for (let n = 0; !isOver(); n += 1) {
    const handleID = `writer-${id}.${n}`
    const started = performance.now()
    try {
      const request = { host: on, num4: 1, handleID, intendedUse: 'Workload' } as const
      const { v4 } = await ipam.autoAssign(request)
      const [address] = v4?.ips ?? []
      if (address === undefined) throw new Error('an empty pool was not planned for')
      ledger.held.set(handleID, address.split('/')[0] as string)
      if (n % 3 === 2) {
        ledger.held.delete(handleID)
        ledger.doubtful.add(handleID)
        await ipam.releaseByHandle(handleID)
        ledger.doubtful.delete(handleID)
      }
      ledger.successes.push(performance.now())
    } catch (error) {
      ledger.failures.push(callFailure(error))
      if (!ledger.held.has(handleID)) ledger.doubtful.add(handleID)
      // As a runtime would; refusals come at once.
      await new Promise((resolve) => setTimeout(resolve, failurePauseMs))
    }
    ledger.callMsMax = Math.max(ledger.callMsMax, performance.now() - started)
  }
}

export const newLedger = (): Ledger => ({
  held: new Map(),
  doubtful: new Set(),
  successes: [],
  failures: [],
  callMsMax: 0,
})

/** Gives back what failed calls may hold, as DEL and collection do. */
export const settle = async (datastore: Datastore, ledger: Ledger): Promise<void> => {
  const ipam = createIPAM({ datastore })
  for (const handle of ledger.doubtful) {
    await ipam.releaseByHandle(handle).catch((error: unknown) => {
      if (!(error instanceof IPAMFailure) || error.tag !== 'HandleMissing') throw error
    })
  }
}

/** Address to handle, from the blocks; and per handle how many its document counts. */
export const accounts = async (datastore: Datastore) => {
  const read = await datastore.read([{ list: 'Block' }, { list: 'Handle' }])()
  if (read._tag === 'Left') throw new Error(read.left.message)
  const [blocks, handles] = read.right
  const allocated = new Map<string, string>()
  for (const { value } of blocks) {
    const [base = ''] = value.cidr.split('/')
    const octets = base.split('.').map(Number)
    value.allocations.forEach((index, ordinal) => {
      if (index === null) return
      const address = [...octets.slice(0, 3), (octets[3] ?? 0) + ordinal].join('.')
      allocated.set(address, value.attributes[index]?.handleID ?? '')
    })
  }
  const counted = new Map(
    handles.map(({ value }) => [value.id, Object.values(value.blocks).reduce((a, b) => a + b, 0)]),
  )
  return { allocated, counted }
}
