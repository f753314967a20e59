import { describe, expect, test } from 'vitest'
import type { FixedIdentity } from '../src/decisions/fixed-inventory.ts'
import {
  type AddressHolder,
  freezeMessage,
  freezePlan,
  type RunningPod,
} from '../src/decisions/freeze-plan.ts'

const set = { name: 'web', isTemplateFixed: false }
const pod = (over: Partial<RunningPod> = {}): RunningPod => ({
  ...{ name: 'web-0', node: 'k1', ips: ['10.0.0.1'], isDeleting: false, isHostNetwork: false },
  ...over,
})
const held = (over: Partial<AddressHolder> = {}): AddressHolder => ({
  ...{ handleID: 'net.c1', node: 'n1', namespace: 'default', pod: 'web-0' },
  ...over,
})
const identity = (...ips: string[]): FixedIdentity => ({
  ...{ namespace: 'default', set: 'web', pod: 'web-0', ordinal: 0, text: '', epoch: 1 },
  handleID: 'f',
  addresses: ips.map((ip) => ({
    ...{ ip, sequenceNumber: 1n, epoch: 1 },
    family: ip.includes(':') ? (6 as const) : (4 as const),
  })),
})
const plan = (
  pods: ReadonlyArray<RunningPod>,
  holders: Readonly<Record<string, AddressHolder>> = {},
  ...fixed: string[]
) =>
  freezePlan({
    namespace: 'default',
    pods,
    holderOf: (ip) => holders[ip],
    identities: new Map(fixed.length === 0 ? [] : [['web-0', identity(...fixed)]]),
  })
const step = { pod: 'web-0', node: 'n1', ips: ['10.0.0.1'], containerHandleID: 'net.c1' }

describe('freeze', () => {
  test('an ordinary pod', () => {
    expect(plan([pod()], { '10.0.0.1': held() }).freeze).toEqual([step])
  })
  test('both families', () => {
    const ips = ['10.0.0.1', 'fd00::1']
    const holders = { '10.0.0.1': held(), 'fd00::1': held() }
    expect(plan([pod({ ips })], holders).freeze).toEqual([{ ...step, ips }])
  })
  test('interrupted between the families: the rest', () => {
    const found = plan([pod({ ips: ['10.0.0.1', 'fd00::1'] })], { '10.0.0.1': held() }, 'fd00::1')
    expect(found.freeze).toEqual([step])
  })
  test('fixed already', () => {
    expect(plan([pod()], {}, '10.0.0.1')).toEqual({ freeze: [], done: ['web-0'], left: [] })
  })
  test.each<[string, Partial<RunningPod>, Readonly<Record<string, AddressHolder>>, RegExp]>([
    ['ending', { isDeleting: true }, { '10.0.0.1': held() }, /ending/],
    ['no address yet', { ips: [] }, {}, /no address yet/],
    ['of its node', { isHostNetwork: true }, {}, /node’s address/],
    ['nobody allocated it', {}, {}, /10\.0\.0\.1 is not allocated to it/],
    ['another pod’s', {}, { '10.0.0.1': held({ pod: 'web-1' }) }, /not allocated/],
    ['of another namespace', {}, { '10.0.0.1': held({ namespace: 'x' }) }, /not allocated/],
    [
      'two containers',
      { ips: ['10.0.0.1', 'fd00::1'] },
      { '10.0.0.1': held(), 'fd00::1': held({ handleID: 'net.c0' }) },
      /not allocated/,
    ],
  ])('left: %s', (_name, over, holders, why) => {
    const { freeze, left } = plan([pod(over)], holders)
    expect(freeze).toEqual([])
    expect(left).toEqual([{ pod: 'web-0', why: expect.stringMatching(why) }])
  })
  test('left: another address is fixed for it', () => {
    const { left } = plan([pod()], { '10.0.0.1': held() }, '10.0.0.9')
    expect(left[0]?.why).toBe('it runs with 10.0.0.1 while 10.0.0.9 is fixed for it')
  })
  test('what is said', () => {
    const some = { freeze: [], done: ['web-0'], left: [{ pod: 'web-1', why: 'it is ending' }] }
    const said = freezeMessage({ ...set, isTemplateFixed: true }, some)
    expect(said).toBe('the addresses of 1 of 2 pods of web are fixed; web-1: it is ending')
    expect(freezeMessage(set, some)).toMatch(/pod template has no annotation/)
    expect(freezeMessage(set, { ...some, done: [], left: [] })).toBeUndefined()
  })
})
