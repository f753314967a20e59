/** A server that ends every watch at once, or finds every version too old, is not asked without pause. */
import { createKubernetesDatastore } from '@hc-calico/datastore-kdd'
import { type KubeClient, KubeRefused } from '@hc-calico/kube-client/lean'
import { afterEach, expect, test, vi } from 'vitest'

afterEach(() => vi.useRealTimers())

const ends = (): AsyncIterable<string> => (async function* () {})()

const refuses = (): AsyncIterable<string> => ({
  [Symbol.asyncIterator]: () => ({
    next: () => Promise.reject(new KubeRefused({ status: 410, text: '{"code":410}' })),
  }),
})

test.each<[string, () => AsyncIterable<string>]>([
  ['ends every watch at once', ends],
  ['answers 410 to every watch', refuses],
])('a server that %s', async (_, watch) => {
  const watchesMax = 4
  const end = new AbortController()
  let watches = 0
  const client: KubeClient = {
    request: async () => ({ status: 200, text: '{"metadata":{"resourceVersion":"7"},"items":[]}' }),
    watch: () => {
      watches += 1
      // So that a loop without pauses fails here instead of running for ever.
      if (watches > watchesMax) end.abort()
      return watch()
    },
    close: async () => undefined,
  }
  const timer = setTimeout(() => end.abort(), 350)
  const store = createKubernetesDatastore({ client })
  for await (const event of store.watch('Handle', end.signal)) expect(event.tag).toBe('Synced')
  clearTimeout(timer)
  // After 0, 100 and 300 ms.
  expect(watches).toBeGreaterThanOrEqual(2)
  expect(watches).toBeLessThanOrEqual(watchesMax)
})

test('a stream that died without a word is ended, and taken up again', async () => {
  vi.useFakeTimers()
  const end = new AbortController()
  let watches = 0
  const client: KubeClient = {
    request: async () => ({ status: 200, text: '{"metadata":{"resourceVersion":"7"},"items":[]}' }),
    watch: async function* (_, cancellation) {
      watches += 1
      await new Promise<void>((resolve) => cancellation.addEventListener('abort', () => resolve()))
    },
    close: async () => undefined,
  }
  const watching = (async () => {
    const store = createKubernetesDatastore({ client })
    for await (const event of store.watch('Handle', end.signal)) expect(event.tag).toBe('Synced')
  })()
  await vi.advanceTimersByTimeAsync(329_000)
  expect(watches).toBe(1)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(watches).toBe(2)
  end.abort()
  await watching
})
