/**
 * Events on objects of the cluster, for people who look with `kubectl describe`. They are a
 * courtesy: written beside the work, in order, never waited for; one that cannot be written is
 * logged and forgotten.
 */
import { randomBytes } from 'node:crypto'
import type { KubeClient } from '@hc-calico/kube-client'
import type { ControllerClock } from './clock.ts'
import {
  type EventLimits,
  type EventMemory,
  type EventSubject,
  type EventWish,
  emptyEventMemory,
  eventStep,
  type KnownEvent,
} from './decisions/event-aggregation.ts'
import { type Log, reasonOf } from './log.ts'

export type { EventSubject, EventWish } from './decisions/event-aggregation.ts'

export interface EventRecorder {
  /** Returns at once. The message is for people; `reason` is one CamelCase word. */
  record(wish: EventWish): void
  /** Resolves when everything recorded so far is written or given up. */
  flush(): Promise<void>
}

export interface EventRecorderOptions {
  readonly client: KubeClient
  readonly clock: ControllerClock
  readonly log: Log
  /** Of the process, e.g. the pod's name. */
  readonly instance: string
  readonly limits?: EventLimits
}

const component = 'hc-calico-controller'
const queuedMax = 1_000
const messageLengthMax = 1_024
const subjectNameLengthMax = 236

/** An Event about an object without namespace stands in `default`: the API wants it so. */
const namespaceOf = ({ namespace }: EventSubject): string =>
  namespace === '' ? 'default' : namespace

const instant = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`

const bodyOf = (wish: EventWish, event: KnownEvent, instance: string) => {
  const { regarding, type, reason, message } = wish
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: event.name, namespace: namespaceOf(regarding) },
    involvedObject: {
      apiVersion: regarding.apiVersion,
      kind: regarding.kind,
      name: regarding.name,
      ...(regarding.namespace === '' ? {} : { namespace: regarding.namespace }),
      ...(regarding.uid === undefined ? {} : { uid: regarding.uid }),
    },
    type,
    reason,
    message: message.slice(0, messageLengthMax),
    source: { component },
    reportingComponent: component,
    reportingInstance: instance,
    firstTimestamp: instant(event.firstMs),
    lastTimestamp: instant(event.lastMs),
    count: event.count,
  }
}

class Recorder implements EventRecorder {
  readonly #options: EventRecorderOptions
  #memory: EventMemory = emptyEventMemory
  #queued = 0
  #last: Promise<void> = Promise.resolve()

  constructor(options: EventRecorderOptions) {
    this.#options = options
  }

  record(wish: EventWish): void {
    const { clock, limits } = this.#options
    const subject = wish.regarding.name.slice(0, subjectNameLengthMax)
    const freshName = `${subject}.${randomBytes(8).toString('hex')}`
    const now = { nowMs: clock.wallMs(), freshName }
    const { memory, step } = eventStep(wish, this.#memory, now, limits)
    if (step.tag === 'Drop' || this.#queued >= queuedMax) {
      if (step.tag === 'Drop') this.#memory = memory
      return
    }
    this.#memory = memory
    this.#queued += 1
    this.#last = this.#last.then(async () => {
      await this.#write(wish, step.event, step.tag === 'Create')
      this.#queued -= 1
    })
  }

  flush(): Promise<void> {
    return this.#last
  }

  async #write(wish: EventWish, event: KnownEvent, isNew: boolean): Promise<void> {
    const { client, log, instance } = this.#options
    const path = `/api/v1/namespaces/${namespaceOf(wish.regarding)}/events`
    const whole = bodyOf(wish, event, instance)
    const create = { method: 'POST', path, body: JSON.stringify(whole) } as const
    const { count, lastTimestamp } = whole
    const patch = {
      method: 'PATCH',
      path: `${path}/${event.name}`,
      contentType: 'application/merge-patch+json',
      body: JSON.stringify({ count, lastTimestamp }),
    } as const
    try {
      let response = await client.request(isNew ? create : patch)
      // The API forgets Events after an hour or so.
      if (!isNew && response.status === 404) response = await client.request(create)
      if (response.status < 300) return
      log.warning('An Event was refused', { status: response.status, reason: wish.reason })
    } catch (thrown) {
      log.warning('An Event could not be written', { reason: reasonOf(thrown) })
    }
  }
}

export const createEventRecorder = (options: EventRecorderOptions): EventRecorder =>
  new Recorder(options)
