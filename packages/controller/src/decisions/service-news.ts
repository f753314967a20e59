/** What about a service's new status is worth an Event: changes of state, never of counts. */
import type { Condition, ServiceIPPoolStatus } from '@hc-calico/crd-types/harmonycloud'
import type { EventWish } from './event-aggregation.ts'

type News = Pick<EventWish, 'type' | 'reason' | 'message'>

const told: Readonly<Record<string, (name: string, reason: string) => News>> = {
  Full: (name) => ({ type: 'Warning', reason: 'MemberFull', message: `${name} is full` }),
  Unknown: (name, reason) => ({
    type: 'Warning',
    reason: 'MemberUnknown',
    message: `${name} cannot serve: ${reason}`,
  }),
  Drained: (name) => ({
    type: 'Normal',
    reason: 'MemberDrained',
    message: `no pod of the service has an address of ${name} any more`,
  }),
}

const ofMembers = (
  before: ServiceIPPoolStatus | undefined,
  { members = [] }: ServiceIPPoolStatus,
): ReadonlyArray<News> =>
  members.flatMap(({ name, state, reason = '' }) => {
    const old = before?.members?.find((one) => one.name === name)?.state
    // A pool that was drained when it was first listed as disabled is no news.
    if (old === state || (state === 'Drained' && old !== 'Draining')) return []
    const tell = told[state]
    return tell === undefined ? [] : [tell(name, reason)]
  })

const servingIn = (status: ServiceIPPoolStatus | undefined): Condition | undefined =>
  status?.conditions?.find(({ type }) => type === 'Serving')

const ofServing = (
  before: ServiceIPPoolStatus | undefined,
  after: ServiceIPPoolStatus,
): ReadonlyArray<News> => {
  const [old, now] = [servingIn(before), servingIn(after)]
  if (now === undefined || now.reason === 'NothingListed' || old?.status === now.status) return []
  if (now.status === 'False')
    return [{ type: 'Warning', reason: 'NotServing', message: now.message }]
  return old === undefined ? [] : [{ type: 'Normal', reason: 'Serving', message: now.message }]
}

export const serviceNews = (
  before: ServiceIPPoolStatus | undefined,
  after: ServiceIPPoolStatus,
): ReadonlyArray<News> => [...ofMembers(before, after), ...ofServing(before, after)]
