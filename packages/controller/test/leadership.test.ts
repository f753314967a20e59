/**
 * Replicas that compete for one lease, in virtual time, with an API that fails in every way: never
 * two lead at once, a lease that is given back is taken at once, one that is not after its time.
 */
import { type KubeClient, type KubeRequest, KubeUnreachable } from '@hc-calico/kube-client'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { defaultElectionLimits as limits } from '../src/decisions/leader-election.ts'
import { Leadership } from '../src/leadership.ts'
import { silentLog } from '../src/log.ts'
import { type ManualClock, manualClock } from './lab/manual-clock.ts'

type Trouble = 'none' | 'down' | 'lose-reply' | 'hang'

/** One lease on an API server; trouble is per replica. */
const leaseServer = () => {
  let stored: { version: number; body: Record<string, unknown> } | undefined
  const troubles = new Map<string, Trouble>()
  const answerOf = () => {
    const metadata = { resourceVersion: String(stored?.version) }
    return { status: 200, text: JSON.stringify({ ...stored?.body, metadata }) }
  }
  const serve = ({ method, body = '{}' }: KubeRequest) => {
    if (method === 'GET') return stored === undefined ? { status: 404, text: '' } : answerOf()
    const sent = JSON.parse(body) as { metadata: { resourceVersion?: string } }
    const isCurrent = sent.metadata.resourceVersion === String(stored?.version)
    if (method === 'POST' ? stored !== undefined : !isCurrent) return { status: 409, text: '' }
    stored = { version: (stored?.version ?? 0) + 1, body: sent }
    return answerOf()
  }
  const clientFor = (name: string): KubeClient => ({
    request: async (request) => {
      const trouble = troubles.get(name) ?? 'none'
      if (trouble === 'down') throw new KubeUnreachable('down', false)
      if (trouble === 'hang') return new Promise(() => undefined)
      const answer = serve(request)
      if (trouble === 'lose-reply') throw new KubeUnreachable('lost', true)
      return answer
    },
    watch: () => {
      throw new Error('nobody watches')
    },
    close: async () => undefined,
  })
  const holder = (): unknown => (stored?.body.spec as { holderIdentity?: string })?.holderIdentity
  return { clientFor, holder, trouble: (name: string, how: Trouble) => troubles.set(name, how) }
}

type Server = ReturnType<typeof leaseServer>

/** How long a term needs to end once it is told to. */
const endMs = 700

const replica = (name: string, server: Server, clock: ManualClock) => {
  const stop = new AbortController()
  const state = { terms: 0, isInTerm: false }
  const leadership = new Leadership({
    ...{ clock, limits, log: silentLog, self: name, client: server.clientFor(name) },
    lease: { namespace: 'ns', name: 'lease' },
    term: async (cancellation) => {
      state.terms += 1
      state.isInTerm = true
      await new Promise<void>((resolve) => cancellation.addEventListener('abort', () => resolve()))
      await clock.sleep(endMs)
      state.isInTerm = false
    },
  })
  const ended = leadership.run(stop.signal)
  return { name, leadership, state, stop: () => stop.abort(), ended }
}

const setUp = () => {
  const [clock, server] = [manualClock(), leaseServer()]
  return { clock, server, a: replica('a', server, clock), b: replica('b', server, clock) }
}

test('the first one leads; given back, the lease is taken at once and not before the term ended', async () => {
  const { clock, server, a, b } = setUp()
  await clock.advance(100)
  expect([a.state.isInTerm, b.state.isInTerm]).toEqual([true, false])
  await clock.advance(60_000)
  expect(a.state.terms).toBe(1)
  a.stop()
  await clock.advance(endMs - 1)
  expect([server.holder(), b.state.isInTerm]).toEqual(['a', false])
  await clock.advance(1 + limits.retryPeriodMs)
  expect([server.holder(), b.state.isInTerm]).toEqual(['b', true])
  await a.ended
})

test('one that died is followed after the lease’s time', async () => {
  const { clock, server, a, b } = setUp()
  await clock.advance(30_000)
  // As good as dead: nothing of it reaches the API any more.
  server.trouble('a', 'hang')
  await clock.advance(limits.leaseDurationMs - limits.retryPeriodMs - 1)
  expect(b.state.isInTerm).toBe(false)
  await clock.advance(2 * limits.retryPeriodMs)
  expect(b.state.isInTerm).toBe(true)
  expect([a.state.isInTerm, a.leadership.isLeading()]).toEqual([false, false])
})

test.each<Trouble>(['down', 'hang'])(
  'cut off (%s), it ends its term in time, and leads again later',
  async (how) => {
    const { clock, server, a, b } = setUp()
    b.stop()
    await clock.advance(10_000)
    server.trouble('a', how)
    await clock.advance(limits.renewDeadlineMs)
    expect(a.leadership.isLeading()).toBe(false)
    await clock.advance(endMs)
    expect(a.state.isInTerm).toBe(false)
    server.trouble('a', 'none')
    await clock.advance(limits.leaseDurationMs + 2 * limits.retryPeriodMs + limits.renewDeadlineMs)
    expect([a.state.terms, a.state.isInTerm]).toEqual([2, true])
  },
)

test('a stop while the API is away ends all the same', async () => {
  const { clock, server, a } = setUp()
  await clock.advance(1_000)
  server.trouble('a', 'hang')
  a.stop()
  await clock.advance(limits.renewDeadlineMs * 3)
  await a.ended
  expect(a.state.isInTerm).toBe(false)
})

test('one that is stopped before it led takes nothing', async () => {
  const { clock, server, a, b } = setUp()
  await clock.advance(1_000)
  b.stop()
  await b.ended
  expect([server.holder(), a.leadership.isLeading()]).toEqual(['a', true])
})

const step = fc.record({
  who: fc.constantFrom('a', 'b'),
  how: fc.constantFrom<Trouble>('none', 'none', 'down', 'lose-reply', 'hang'),
  ms: fc.integer({ min: 1, max: 20_000 }),
})

test('law: whatever becomes of the calls, never two lead, and in the end somebody does', () =>
  fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const { clock, server, a, b } = setUp()
      const never = (): void =>
        expect(a.leadership.isLeading() && b.leadership.isLeading()).toBe(false)
      for (const { who, how, ms } of steps) {
        server.trouble(who, how)
        for (let left = ms; left > 0; left -= 500) {
          await clock.advance(Math.min(500, left))
          never()
        }
      }
      for (const who of ['a', 'b']) server.trouble(who, 'none')
      await clock.advance(3 * limits.leaseDurationMs)
      never()
      expect(a.state.isInTerm || b.state.isInTerm).toBe(true)
      a.stop()
      b.stop()
      await clock.advance(30_000)
      await Promise.all([a.ended, b.ended])
    }),
    { numRuns: 60 },
  ))
