/** The list and watch of one resource, against a server that does what it is told to. */
import { type KubeClient, KubeRefused, KubeUnreachable } from '@hc-calico/kube-client'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { silentLog } from '../src/log.ts'
import { FilledCache } from '../src/sources/cache.ts'
import { defaultPace, type KubeResource, keepFromKubernetes } from '../src/sources/kube-source.ts'
import { manualClock, settled } from './lab/manual-clock.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

const resource: KubeResource<string> = {
  path: '/things',
  isOptional: true,
  read: ({ metadata = {} }) => [metadata.name ?? '', metadata.resourceVersion ?? ''],
}

const object = (name: string, resourceVersion: string) => ({ metadata: { name, resourceVersion } })

interface Stream {
  readonly path: string
  send(type: string, name: string, version: string): Promise<void>
  fail(code: number): Promise<void>
  end(error?: Error): Promise<void>
}

type Answer = (path: string) => { status: number; text: string }

const oneThing: Answer = () => ({
  status: 200,
  text: JSON.stringify({ metadata: { resourceVersion: '5' }, items: [object('a', '1')] }),
})

const setUp = (first: Answer = oneThing) => {
  const clock = manualClock()
  const cache = new FilledCache<string>('things', 600_000)
  const stop = new AbortController()
  const streams: Stream[] = []
  const paths: string[] = []
  let list = first
  const client: KubeClient = {
    request: async ({ path }) => {
      paths.push(path)
      return list(path)
    },
    watch: (path, cancellation) => {
      const lines: string[] = []
      let failure: Error | undefined
      let isOver = false
      let wake = (): void => undefined
      cancellation.addEventListener('abort', () => {
        isOver = true
        wake()
      })
      streams.push({
        path,
        send: async (type, name, version) => {
          lines.push(JSON.stringify({ type, object: object(name, version) }))
          wake()
          await settled()
        },
        fail: async (code) => {
          lines.push(JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code } }))
          wake()
          await settled()
        },
        end: async (error) => {
          failure = error
          isOver = true
          wake()
          await settled()
        },
      })
      return (async function* () {
        while (!isOver || lines.length > 0) {
          const line = lines.shift()
          if (line !== undefined) yield line
          else
            await new Promise<void>((resolve) => {
              wake = resolve
            })
        }
        if (failure !== undefined) throw failure
      })()
    },
    close: async () => undefined,
  }
  const deps = { client, clock, log: silentLog, pace: defaultPace }
  const keeping = keepFromKubernetes(deps, resource, cache, stop.signal)
  return {
    ...{ clock, cache, streams, paths, stop, keeping },
    answer: (next: Answer) => {
      list = next
    },
    contents: () => Object.fromEntries(cache.all()),
  }
}

const page = (version: string, next: string, ...items: ReadonlyArray<object>) => ({
  status: 200,
  text: JSON.stringify({ metadata: { resourceVersion: version, continue: next }, items }),
})

test('a list, then what changes; bookmarks move the version and nothing else', async () => {
  const { cache, streams, contents, stop, keeping, clock } = setUp()
  await settled()
  expect(cache.isSynced).toBe(true)
  expect(contents()).toEqual({ a: '1' })
  expect(streams[0]?.path).toContain('resourceVersion=5')
  await streams[0]?.send('ADDED', 'b', '6')
  await streams[0]?.send('DELETED', 'a', '7')
  await streams[0]?.send('BOOKMARK', '', '9')
  expect(contents()).toEqual({ b: '6' })
  await streams[0]?.end(new KubeUnreachable('cut', false))
  await clock.advance(defaultPace.retryMsMin)
  expect(streams[1]?.path).toContain('resourceVersion=9')
  stop.abort()
  await keeping
})

test('pages are put together; what no page has any more is gone, with one change each', async () => {
  const { answer, contents, cache, streams, clock, stop } = setUp()
  await settled()
  await streams[0]?.send('ADDED', 'gone', '6')
  const changes: string[] = []
  cache.subscribe(({ key, now }) => changes.push(`${key} ${now ?? 'gone'}`))
  answer((path) =>
    path.includes('continue=more')
      ? page('20', '', object('d', '11'))
      : page('20', 'more', object('a', '1'), object('c', '10')),
  )
  await streams[0]?.end(new KubeRefused({ status: 410, text: '' }))
  await clock.advance(defaultPace.retryMsMin)
  expect(contents()).toEqual({ a: '1', c: '10', d: '11' })
  expect(changes).toEqual(['a 1', 'c 10', 'd 11', 'gone gone'])
  expect(streams[1]?.path).toContain('resourceVersion=20')
  stop.abort()
})

test.each([
  { code: 410, lists: 2 },
  { code: 500, lists: 1 },
])('an error $code inside the stream leads to $lists lists in all', async ({ code, lists }) => {
  const { paths, streams, clock, stop } = setUp()
  await settled()
  await streams[0]?.fail(code)
  await clock.advance(defaultPace.retryMsMin)
  expect(streams).toHaveLength(2)
  expect(paths).toHaveLength(lists)
  stop.abort()
})

test('a stream on which nothing comes is cut and taken up where it was', async () => {
  const { cache, streams, clock, stop } = setUp()
  await settled()
  await streams[0]?.send('BOOKMARK', '', '8')
  const silenceMs = defaultPace.watchSeconds * 1000 + defaultPace.silenceSlackMs
  vi.advanceTimersByTime(silenceMs - 1)
  await settled()
  await clock.advance(defaultPace.retryMsMax)
  expect(streams).toHaveLength(1)
  vi.advanceTimersByTime(1)
  await settled()
  await clock.advance(defaultPace.retryMsMax)
  expect(streams[1]?.path).toContain('resourceVersion=8')
  expect(cache.isStalled(clock.monotonicMs())).toBe(false)
  stop.abort()
})

test('an API that is not served: none of the kind, and it is looked for again', async () => {
  const unserved: Answer = () => ({ status: 404, text: '404 page not found' })
  const { answer, cache, clock, contents, streams, stop } = setUp(unserved)
  await settled()
  expect(cache.isSynced).toBe(true)
  expect(streams).toHaveLength(0)
  await clock.advance(defaultPace.unservedMs - 1)
  answer(() => page('5', '', object('late', '4')))
  expect(contents()).toEqual({})
  await clock.advance(1)
  expect(contents()).toEqual({ late: '4' })
  stop.abort()
})

test('an API that is not served any more: what was known stays, and nobody relies on it', async () => {
  const { answer, cache, clock, contents, streams, stop } = setUp()
  await settled()
  answer(() => ({ status: 404, text: '' }))
  await streams[0]?.end(new KubeRefused({ status: 410, text: '' }))
  await clock.advance(defaultPace.retryMsMin)
  expect(cache.isSynced).toBe(false)
  expect(contents()).toEqual({ a: '1' })
  stop.abort()
})

test('a server that refuses is asked again after pauses that grow to a limit', async () => {
  const forbidden: Answer = () => ({ status: 403, text: 'forbidden' })
  const { answer, paths, cache, clock, stop } = setUp(forbidden)
  await settled()
  await clock.advance(60_000)
  // 200, 400, 800, ... 12 800, then every 15 s.
  expect(paths.length).toBeGreaterThan(7)
  expect(paths.length).toBeLessThan(13)
  expect(cache.isSynced).toBe(false)
  answer(() => page('5', '', object('a', '1')))
  await clock.advance(15_000)
  expect(cache.isSynced).toBe(true)
  stop.abort()
})

test('a list that breaks off in the middle removes nothing', async () => {
  const { answer, contents, streams, clock, stop } = setUp()
  await settled()
  let isBroken = true
  answer((path) => {
    if (path.includes('continue=more')) return isBroken ? { status: 410, text: '' } : page('9', '')
    return page('9', 'more', object('b', '2'))
  })
  await streams[0]?.end(new KubeRefused({ status: 410, text: '' }))
  await clock.advance(defaultPace.retryMsMin)
  expect(contents()).toEqual({ a: '1', b: '2' })
  isBroken = false
  await clock.advance(defaultPace.retryMsMax)
  expect(contents()).toEqual({ b: '2' })
  stop.abort()
})
