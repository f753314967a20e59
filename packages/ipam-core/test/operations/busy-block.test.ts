// A block that others write all the time: upstream's allocator tries again at once, without a pause.
import { expect, test } from 'vitest'
import { createIPAM } from '../../src/index.ts'
import { createMemoryDatastore } from '../../src/memory/index.ts'
import type { Datastore, Write } from '../../src/ports/index.ts'

const pool = {
  name: 'p',
  cidr: '10.0.0.0/24',
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

const seeded = async (): Promise<Datastore> => {
  const datastore = createMemoryDatastore()
  const writes = [
    { op: 'create', key: { kind: 'IPPool', name: 'p' }, value: pool },
    { op: 'create', key: { kind: 'Node', name: 'n' }, value: { name: 'n', labels: {} } },
  ] as unknown as ReadonlyArray<Write>
  for (const write of writes) await datastore.commit([write])()
  return datastore
}

/** Writes the first block as it is, with the next sequence number: somebody took and gave back. */
const disturb = async (datastore: Datastore): Promise<void> => {
  const read = await datastore.read([{ list: 'Block' }])()
  const [block] = read._tag === 'Right' ? read.right[0] : []
  if (block === undefined) return
  const value = { ...block.value, sequenceNumber: block.value.sequenceNumber + 1n }
  await datastore.commit([{ op: 'update', key: block.key, value, revision: block.revision }])()
}

test('what was current before a pause is not taken for current after it', async () => {
  const datastore = await seeded()
  const request = { host: 'n', num4: 1, intendedUse: 'Workload' } as const
  await createIPAM({ datastore }).autoAssign({ ...request, handleID: 'first' })
  let races = 0
  const racing: Datastore = {
    ...datastore,
    // The first commits lose; from then on somebody writes whenever we pause, and only then.
    commit: (writes, options) => async () => {
      races += 1
      if (races <= 2) await disturb(datastore)
      return datastore.commit(writes, options)()
    },
  }
  let pauses = 0
  const clock = {
    now: () => BigInt(Date.now()) * 1_000_000n,
    sleep: async () => {
      pauses += 1
      await disturb(datastore)
    },
  }
  const ipam = createIPAM({ datastore: racing, clock })
  const { v4 } = await ipam.autoAssign({ ...request, handleID: 'second' })
  expect(v4?.ips).toHaveLength(1)
  expect(pauses).toBeLessThanOrEqual(2)
})
