/** Which Events are written, which are counted, which are left out; and how they look on the API. */
import type { KubeClient, KubeRequest, KubeResponse } from '@hc-calico/kube-client'
import { describe, expect, test } from 'vitest'
import {
  defaultEventLimits,
  type EventMemory,
  type EventWish,
  emptyEventMemory,
  eventStep,
} from '../src/decisions/event-aggregation.ts'
import { createEventRecorder } from '../src/events.ts'
import { silentLog } from '../src/log.ts'
import { manualClock } from './lab/manual-clock.ts'

const regarding = { apiVersion: 'v1', kind: 'IPPool', name: 'p', namespace: '' }
const wish = (message: string, name = 'p'): EventWish => ({
  ...{ regarding: { ...regarding, name }, type: 'Warning', reason: 'Full', message },
})

/** Says things one after another; what was written. */
const say = (said: ReadonlyArray<readonly [atMs: number, wish: EventWish]>) => {
  let memory: EventMemory = emptyEventMemory
  return said.map(([nowMs, one], i) => {
    const next = eventStep(one, memory, { nowMs, freshName: `e${i}` })
    memory = next.memory
    const { step } = next
    return step.tag === 'Drop' ? 'Drop' : `${step.tag} ${step.event.name} x${step.event.count}`
  })
}

describe('aggregation', () => {
  test('the same again is counted, and written now and then', () => {
    const { countMs } = defaultEventLimits
    expect(
      say([
        [0, wish('a')],
        [1, wish('a')],
        [2, wish('a')],
        [countMs, wish('a')],
        [countMs + 1, wish('a')],
        [2 * countMs, wish('a')],
      ]),
    ).toEqual(['Create e0 x1', 'Drop', 'Drop', 'Count e0 x4', 'Drop', 'Count e0 x6'])
  })

  test('long after, it is new', () => {
    const { sameMs } = defaultEventLimits
    expect(
      say([
        [0, wish('a')],
        [sameMs, wish('a')],
      ]),
    ).toEqual(['Create e0 x1', 'Create e1 x1'])
  })

  test('an object about which much is said has a budget; others have theirs', () => {
    const { burst, refillMs } = defaultEventLimits
    const flood = Array.from({ length: 10_000 }, (_, i) => [i / 100, wish(`m${i}`)] as const)
    const written = say([...flood, [101, wish('x', 'other')], [101 + refillMs, wish('later')]])
    expect(written.filter((one) => one.startsWith('Create'))).toHaveLength(burst + 2)
    expect(written.at(-2)).toMatch(/^Create/)
    expect(written.at(-1)).toMatch(/^Create/)
  })

  test('what is remembered is bounded', () => {
    let memory = emptyEventMemory
    const limits = { ...defaultEventLimits, rememberedMax: 10 }
    for (let i = 0; i < 50; i += 1) {
      const now = { nowMs: i, freshName: `e${i}` }
      memory = eventStep(wish('m', `p${i}`), memory, now, limits).memory
    }
    expect(memory.known.size).toBe(10)
    expect(memory.budgets.size).toBe(10)
  })
})

describe('recording', () => {
  const setUp = (answer: (request: KubeRequest) => number = () => 201) => {
    const requests: KubeRequest[] = []
    const client: KubeClient = {
      request: async (request): Promise<KubeResponse> => {
        requests.push(request)
        return { status: answer(request), text: '{}' }
      },
      watch: () => {
        throw new Error('nobody watches')
      },
      close: async () => undefined,
    }
    const clock = manualClock()
    const recorder = createEventRecorder({ client, clock, log: silentLog, instance: 'me' })
    return { requests, clock, recorder }
  }

  test('an object without namespace has its Events in default', async () => {
    const { requests, recorder } = setUp()
    recorder.record(wish('p is full'))
    await recorder.flush()
    expect(requests).toMatchObject([{ method: 'POST', path: '/api/v1/namespaces/default/events' }])
    expect(JSON.parse(requests[0]?.body ?? '')).toMatchObject({
      involvedObject: { kind: 'IPPool', name: 'p' },
      ...{ reason: 'Full', message: 'p is full', count: 1, type: 'Warning' },
      source: { component: 'hc-calico-controller' },
    })
  })

  test('one that the API has forgotten is made anew with its count', async () => {
    const { requests, recorder, clock } = setUp(({ method }) => (method === 'PATCH' ? 404 : 201))
    recorder.record(wish('a'))
    await clock.advance(defaultEventLimits.countMs)
    recorder.record(wish('a'))
    await recorder.flush()
    expect(requests.map(({ method }) => method)).toEqual(['POST', 'PATCH', 'POST'])
    expect(JSON.parse(requests[2]?.body ?? '').count).toBe(2)
  })

  test('a refusal harms nobody', async () => {
    const { requests, recorder } = setUp(() => 403)
    recorder.record(wish('a'))
    recorder.record(wish('b'))
    await recorder.flush()
    expect(requests).toHaveLength(2)
  })
})
