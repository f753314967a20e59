/** Options from flags and variables, the fence, health, what the caches count for metrics. */
import { createMemoryDatastore } from '@hc-calico/ipam-core/memory'
import { type KubeClient, KubeUnreachable } from '@hc-calico/kube-client'
import { describe, expect, test } from 'vitest'
import { tallyIPAM } from '../src/decisions/ipam-tally.ts'
import { poolFinder } from '../src/decisions/pool-usage.ts'
import { fencedClient, fencedDatastore } from '../src/fence.ts'
import { createHealth } from '../src/health.ts'
import { main } from '../src/main.ts'
import { durationMs, readOptions, UsageError, usage } from '../src/options.ts'
import { FilledCache } from '../src/sources/cache.ts'
import { manualClock } from './lab/manual-clock.ts'
import { poolNamed } from './lab/pool-named.ts'

describe('options', () => {
  test('nothing said: the Kubernetes datastore, in kube-system', () => {
    expect(readOptions([], {})).toMatchObject({
      datastoreType: 'kubernetes',
      ...{ listen: { host: '::', port: 9094 }, logLevel: 'info', kube: { qps: 50 } },
      settings: {
        ...{ namespace: 'kube-system', leaseName: 'hc-calico-controller', leakGraceMs: 900_000 },
        election: { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 },
      },
    })
  })

  test('a flag counts more than its variable; etcd endpoints mean etcd', () => {
    const env = { ETCD_ENDPOINTS: 'http://a:1, http://b:2', POD_NAMESPACE: 'x', LOG_LEVEL: 'debug' }
    expect(readOptions(['--namespace', 'y', '--listen=127.0.0.1:1'], env)).toMatchObject({
      ...{ datastoreType: 'etcdv3', etcd: { endpoints: ['http://a:1', 'http://b:2'] } },
      ...{ settings: { namespace: 'y' }, logLevel: 'debug' },
      listen: { host: '127.0.0.1', port: 1 },
    })
    expect(readOptions(['--datastore-type', 'kubernetes'], env).datastoreType).toBe('kubernetes')
  })

  test.each<[string, string[], string]>([
    ['an unknown flag', ['--nonsense'], "Unknown option '--nonsense'"],
    [
      'a datastore nobody has',
      ['--datastore-type=local'],
      '--datastore-type must be kubernetes or',
    ],
    ['a duration without unit', ['--leak-grace=15'], '--leak-grace must be a duration'],
    ['no port', ['--listen=host'], '--listen must be HOST:PORT'],
    ['a port too high', ['--listen=:70000'], '--listen must be HOST:PORT'],
    ['a level nobody has', ['--log-level=loud'], '--log-level must be debug or info'],
    ['a lease that is not safe', ['--lease-duration=5s'], 'at most three quarters of the lease'],
    ['qps', ['--qps=x'], '--qps must be a number'],
    ['api group', ['--api-group=v2'], '--api-group must be crd.projectcalico.org/v1 or'],
  ])('%s', (_, args, message) => {
    expect(() => readOptions(args, {})).toThrow(UsageError)
    expect(() => readOptions(args, {})).toThrow(message)
  })

  test.each([
    ['15m', 900_000],
    ['1m30s', 90_000],
    ['500ms', 500],
    ['1.5h', 5_400_000],
    ['', undefined],
    ['5', undefined],
    ['-5s', undefined],
  ])('the duration %s', (text, ms) => expect(durationMs(text)).toBe(ms))

  test('a mistake ends with code 2, before anything is connected', async () => {
    expect(await main(['--log-level=loud'], {})).toBe(2)
  })

  test('what it cannot reach ends with code 1, and gives the signals back', async () => {
    const listeners = process.listenerCount('SIGTERM')
    expect(await main(['--kubeconfig=/nonexistent'], {})).toBe(1)
    expect(process.listenerCount('SIGTERM')).toBe(listeners)
  })

  test('every flag is told', () => expect(usage()).toContain('--leak-grace'))
})

describe('fence', () => {
  const fenced = () => {
    let isLeading = true
    const sent: string[] = []
    const client: KubeClient = {
      request: async ({ method }) => {
        sent.push(method)
        return { status: 200, text: '' }
      },
      watch: () => (async function* () {})(),
      close: async () => undefined,
    }
    return {
      sent,
      client: fencedClient(client, () => isLeading),
      datastore: fencedDatastore(createMemoryDatastore(), () => isLeading),
      depose: () => {
        isLeading = false
      },
    }
  }

  test('who leads no more reads, and writes nothing', async () => {
    const { client, datastore, sent, depose } = fenced()
    await client.request({ method: 'POST', path: '/' })
    expect(await datastore.commit([poolNamed('a', '10.0.0.0/24')])()).toMatchObject({
      _tag: 'Right',
    })
    depose()
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const) {
      const thrown = await client.request({ method, path: '/' }).catch((error: unknown) => error)
      expect(thrown).toBeInstanceOf(KubeUnreachable)
      expect((thrown as KubeUnreachable).maybeApplied).toBe(false)
    }
    await client.request({ method: 'GET', path: '/' })
    expect(sent).toEqual(['POST', 'GET'])
    expect(await datastore.commit([poolNamed('b', '10.0.1.0/24')])()).toMatchObject({
      left: { error: { tag: 'Unavailable' }, applied: [] },
    })
    const read = await datastore.read([{ list: 'IPPool' }])()
    expect(read).toMatchObject({ right: [[{ value: { name: 'a' } }]] })
  })
})

test('health: well and fit are two things', async () => {
  const clock = manualClock()
  const cache = new FilledCache<number>('pods', 1_000)
  let isStalled = false
  const health = createHealth(clock, [cache], () => [
    { name: 'l', runningSinceMs: 1, lastSuccessMs: 1, failure: undefined, isStalled },
  ])
  expect([health.live(), health.ready()]).toEqual([[], ['pods are not listed yet']])
  cache.beginList()
  cache.endList()
  cache.heard(clock.monotonicMs())
  expect(health.ready()).toEqual([])
  await clock.advance(1_001)
  expect([health.live(), health.ready()]).toEqual([[], ['nothing is heard about pods']])
  cache.heard(clock.monotonicMs())
  isStalled = true
  expect([health.live(), health.ready()]).toEqual([
    ['the loop l is stalled'],
    ['the loop l is stalled'],
  ])
})

test('allocations and blocks are counted as Calico counts them', () => {
  const allocation = (node: string | undefined, fixed?: { holder?: unknown }) => ({
    attributes: node === undefined ? {} : { node },
    ...(fixed === undefined ? {} : { fixed }),
  })
  const blocks = [
    {
      ...{ cidr: '10.0.0.0/30', affinity: 'host:a' },
      allocations: [allocation('a'), allocation('b', { holder: {} }), allocation(undefined, {})],
    },
    { cidr: '10.0.0.4/30', allocations: [allocation('a')] },
    { cidr: '10.9.0.0/30', affinity: 'virtual:load-balancer', allocations: [] },
  ]
  const tally = tallyIPAM(blocks, poolFinder([{ name: 'p', cidr: '10.0.0.0/24' }]))
  const plain = Object.fromEntries(
    [...tally].map(([name, one]) => [name, { ...one, nodes: Object.fromEntries(one.nodes) }]),
  )
  expect(plain).toEqual({
    p: {
      ...{ fixedHeld: 1, fixedParked: 1 },
      nodes: {
        a: { inUse: 2, borrowed: 1, blocks: 1 },
        b: { inUse: 1, borrowed: 1, blocks: 0 },
        unknown_node: { inUse: 1, borrowed: 0, blocks: 0 },
        no_affinity: { inUse: 0, borrowed: 0, blocks: 1 },
      },
    },
    no_ippool: {
      ...{ fixedHeld: 0, fixedParked: 0 },
      nodes: { 'load-balancer': { inUse: 0, borrowed: 0, blocks: 1 } },
    },
  })
})
