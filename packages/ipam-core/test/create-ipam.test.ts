import { describe, expect, test } from 'vitest'
import { createIPAM, IPAMFailure } from '../src/index.ts'
import { createMemoryDatastore } from '../src/memory/index.ts'
import { type Datastore, datastoreError, type Observation, type Write } from '../src/ports/index.ts'
import { systemClock } from '../src/system-clock.ts'
import { poolOf } from './operations/world.ts'

const pool = poolOf('10.0.0.0/26', 28)
const seeds: ReadonlyArray<Write> = [
  { op: 'create', key: { kind: 'IPPool', name: pool.name }, value: pool },
  { op: 'create', key: { kind: 'Node', name: 'n1' }, value: { name: 'n1', labels: {} } },
]

const opened = async (): Promise<Datastore> => {
  const datastore = createMemoryDatastore()
  await datastore.commit(seeds)()
  return datastore
}

const request = { num4: 1, handleID: 'h1', host: 'n1', intendedUse: 'Workload' } as const

const failureOf = async (promise: Promise<unknown>): Promise<IPAMFailure> => {
  const failure = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(failure instanceof IPAMFailure)) throw new Error(`not an IPAMFailure: ${failure}`)
  return failure
}

/** A datastore whose reads fail so. */
const failing = async (tag: Parameters<typeof datastoreError>[0]): Promise<Datastore> => ({
  ...(await opened()),
  read: () => async () => ({
    _tag: 'Left',
    left: datastoreError(tag, `it is ${tag}`, { cause: 'why' }),
  }),
})

describe('with nothing but a datastore', () => {
  test('every operation works on real time and randomness', async () => {
    const ipam = createIPAM({ datastore: await opened() })
    const { v4 } = await ipam.autoAssign(request)
    const ip = v4?.ips[0]?.split('/')[0] ?? ''
    expect(await ipam.ipsByHandle('h1')).toEqual([ip])
    expect(await ipam.getAssignmentAttributes(ip)).toEqual({ handleID: 'h1', attrs: {} })
    await ipam.assignIP({ ip: '10.0.0.63', host: 'n1', handleID: 'h2' })
    await ipam.setOwnerAttributes({ ip, handleID: 'h1', active: { set: { pod: 'p' } } })
    const [utilization] = await ipam.getUtilization()
    expect(utilization?.inUse).toBe(2)
    expect(await ipam.releaseIPs([{ address: '10.0.0.63' }])).toMatchObject({ unallocated: [] })
    expect(await ipam.releaseByHandle('h1')).toMatchObject({ released: [ip] })
    const owner = { type: 'host', host: 'n1' } as const
    expect(await ipam.claimAffinity('10.0.0.0/26', owner)).toMatchObject({ failed: [] })
    await ipam.releaseAffinity('10.0.0.0/28', 'n1', { mustBeEmpty: true })
    await ipam.releaseBlockAffinity('10.0.0.16/28', { mustBeEmpty: true })
    await ipam.upgradeHost('n1')
    expect(await ipam.garbageCollectColdIPs()).toEqual([])
    const kept = {
      startOfBlock: 1,
      endOfBlock: 0,
      handle: 'windows-reserved-ipam-handle',
      note: 'n',
    }
    expect((await ipam.ensureBlock({ host: 'n1', hostReservedAttrIPv4s: kept })).v4).toBeDefined()
    await ipam.releaseHostAffinities(owner, { mustBeEmpty: true })
    await ipam.releasePoolAffinities('10.0.0.0/26')
    await ipam.removeIPAMHost('n1')
    expect((await ipam.getUtilization())[0]?.blocks).toEqual([])
    const config = { ...(await ipam.getIPAMConfig()), strictAffinity: true }
    await ipam.setIPAMConfig(config)
    expect(await ipam.getIPAMConfig()).toEqual(config)
  })

  test('the clock counts nanoseconds and sleeps milliseconds', async () => {
    const before = systemClock.now()
    await systemClock.sleep(5)
    const passed = systemClock.now() - before
    expect(passed).toBeGreaterThanOrEqual(4_000_000n)
    expect(passed).toBeLessThan(5_000_000_000n)
    expect(before / 1_000_000n).toBeGreaterThan(1_700_000_000_000n)
  })
})

describe('rejections', () => {
  test('a refusal', async () => {
    const ipam = createIPAM({ datastore: await opened() })
    expect(await failureOf(ipam.releaseByHandle('h9'))).toMatchObject({
      name: 'IPAMFailure',
      tag: 'HandleMissing',
      family: 'refusal',
      operation: 'releaseByHandle',
      retryable: false,
      message: 'resource does not exist: IPAMHandleKey(id=h9)',
    })
  })

  test('facts behind a refusal are data', async () => {
    const ipam = createIPAM({ datastore: await opened() })
    const failure = await failureOf(ipam.autoAssign({ ...request, ipv4Pools: ['10.9.0.0/16'] }))
    expect(failure).toMatchObject({ tag: 'PoolNotUsable', details: { pool: '10.9.0.0/16' } })
  })

  test('a datastore that refuses', async () => {
    const ipam = createIPAM({ datastore: await failing('Unauthorized') })
    const failure = await failureOf(ipam.getIPAMConfig())
    expect(failure).toMatchObject({ tag: 'Unauthorized', family: 'datastore', retryable: false })
    expect(failure.cause).toBe('why')
  })

  test('a datastore that stays away, within the limits given', async () => {
    const seen: Observation[] = []
    const ipam = createIPAM({
      datastore: await failing('Unavailable'),
      limits: { retryAttemptsMax: 3, retryPauseMsMax: 1 },
      random: { next: () => 0 },
      observe: (one) => {
        seen.push(one)
      },
    })
    const failure = await failureOf(ipam.getIPAMConfig())
    expect(failure).toMatchObject({ tag: 'RetriesExhausted', family: 'exhausted', retryable: true })
    expect(failure.message).toContain('Max retries hit')
    expect(seen.filter((one) => one.tag === 'Retry')).toHaveLength(2)
  })

  test('a caller who gave up', async () => {
    const ipam = createIPAM({ datastore: await opened(), cancellation: AbortSignal.abort() })
    expect(await failureOf(ipam.getUtilization())).toMatchObject({
      tag: 'Cancelled',
      message: 'getUtilization was cancelled before it was complete',
    })
  })

  test('a bug is no failure of the datastore: it passes unchanged', async () => {
    const datastore = await opened()
    const read = () => async () => {
      throw new TypeError('broken')
    }
    const ipam = createIPAM({ datastore: { ...datastore, read } })
    await expect(ipam.getIPAMConfig()).rejects.toThrow(TypeError)
  })
})
