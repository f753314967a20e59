/** What is carried out, against what has changed since it was planned: on the memory datastore. */
import { createIPAM, fixedAttrs, type IPAM } from '@hc-calico/ipam-core'
import { MemoryStore } from '@hc-calico/ipam-core/memory'
import type { Datastore } from '@hc-calico/ipam-core/ports'
import type { KubeClient } from '@hc-calico/kube-client'
import { beforeEach, describe, expect, test } from 'vitest'
import type { ControllerContext } from '../src/context.ts'
import type { SeenAllocation } from '../src/decisions/garbage-model.ts'
import {
  type Acting,
  cleanNode,
  deleteHandle,
  disown,
  parkGone,
  releaseLeaks,
} from '../src/garbage/act.ts'
import { blockFacts } from '../src/sources/blocks.ts'
import { poolNamed } from './lab/pool-named.ts'

const owner = { pod: 'web', namespace: 'default', node: 'n1' }
const podPath = (name: string): string => `/api/v1/namespaces/default/pods/${name}`

let datastore: Datastore
let ipam: IPAM
/** What the API server has, by path; a number is a status without object. */
let objects: Map<string, object | number>
let acting: Acting

const client: KubeClient = {
  request: async ({ path }) => {
    const found = objects.get(path) ?? 404
    return typeof found === 'number'
      ? { status: found, text: '{}' }
      : { status: 200, text: JSON.stringify(found) }
  },
  watch: () => {
    throw new Error('nothing is watched')
  },
  close: async () => undefined,
}

const pod = (name: string, ip: string | undefined, nodeName = 'n1') => ({
  metadata: { name, namespace: 'default', uid: 'u' },
  spec: { nodeName },
  status: ip === undefined ? {} : { podIP: ip },
})

const withNetwork = (object: ReturnType<typeof pod>, ips: unknown) => {
  const text = ips === 'x' ? '[{"ips": 3}, null' : JSON.stringify([{ name: 'n2', ips }])
  const annotations = { 'k8s.v1.cni.cncf.io/network-status': text }
  return { ...object, metadata: { ...object.metadata, annotations } }
}

const seen = async (): Promise<ReadonlyArray<SeenAllocation>> => {
  const read = await datastore.read([{ list: 'Block' }])()
  if (read._tag === 'Left') throw new Error(read.left.message)
  return read.right[0].flatMap((block) => blockFacts(block, (text) => text).allocations)
}
type Leak = Parameters<typeof releaseLeaks>[1][number]
let unanswered: string[]
const releaseLeak = (by: Acting, ...leaks: ReadonlyArray<Leak>) =>
  releaseLeaks(by, leaks, ({ handleID }) => unanswered.push(handleID))
const addresses = async (): Promise<ReadonlyArray<string>> => (await seen()).map(({ ip }) => ip)
const leakOf = async (handleID: string) => {
  const allocations = (await seen()).filter((one) => one.handleID === handleID)
  return { handleID, allocations }
}
const assign = (ip: string, handleID: string, attrs: Readonly<Record<string, string>> = owner) =>
  ipam.assignIP({ ip, handleID, attrs, host: 'n1' })

beforeEach(async () => {
  datastore = new MemoryStore().open()
  ipam = createIPAM({ datastore })
  objects = new Map()
  unanswered = []
  const node = {
    op: 'create',
    key: { kind: 'Node', name: 'n1' },
    value: { name: 'n1', labels: {} },
  } as const
  const made = await datastore.commit([poolNamed('pods', '10.0.0.0/24'), node])()
  if (made._tag === 'Left') throw new Error(made.left.error.message)
  const same = (name: string): string => name
  acting = {
    context: { client, datastore, ipam, sources: {} } as unknown as ControllerContext,
    calico: { alive: new Set(['n1', 'n2']), nameOf: same, kubernetesNameOf: same },
  }
  await assign('10.0.0.1', 'c1')
})

describe('a leaked handle', () => {
  test('its pod is gone: released, with its handle', async () => {
    const leak = await leakOf('c1')
    expect((await releaseLeak(acting, leak)).map(({ ip }) => ip)).toEqual(['10.0.0.1'])
    expect(await addresses()).toEqual([])
    await expect(ipam.ipsByHandle('c1')).rejects.toThrow()
    expect(await releaseLeak(acting, leak)).toEqual([])
  })
  test.each<[string, object]>([
    ['has it', pod('web', '10.0.0.1')],
    ['is starting', pod('web', undefined)],
    ['has it in another network', withNetwork(pod('web', '192.168.0.1'), ['10.0.0.1'])],
    ['says nonsense of its networks', withNetwork(pod('web', '10.0.0.1'), 'x')],
    ['is not scheduled', pod('web', undefined, '')],
  ])('its pod is there after all and %s: kept', async (_name, there) => {
    objects.set(podPath('web'), there)
    expect(await releaseLeak(acting, await leakOf('c1'))).toEqual([])
    expect(await addresses()).toEqual(['10.0.0.1'])
  })
  test.each([403, 500, 503])('the server does not say (%d): nothing is taken', async (status) => {
    objects.set(podPath('web'), status)
    await assign('10.0.0.2', 'c2', { ...owner, pod: 'gone' })
    const released = await releaseLeak(acting, await leakOf('c1'), await leakOf('c2'))
    expect(released.map(({ ip }) => ip)).toEqual(['10.0.0.2'])
    expect(await addresses()).toEqual(['10.0.0.1'])
    expect(unanswered).toEqual(['c1'])
  })
  test('the address was given to somebody else since: kept', async () => {
    const leak = await leakOf('c1')
    await ipam.releaseByHandle('c1')
    await assign('10.0.0.1', 'c2')
    expect(await releaseLeak(acting, leak)).toEqual([])
    expect(await addresses()).toEqual(['10.0.0.1'])
  })
  test('one of two in a block was given to somebody else since: the other one goes', async () => {
    await assign('10.0.0.2', 'c2', { ...owner, pod: 'gone' })
    const leaks = [await leakOf('c1'), await leakOf('c2')]
    await ipam.releaseByHandle('c1')
    await assign('10.0.0.1', 'c3')
    const released = await releaseLeak(acting, ...leaks)
    expect(released.map(({ ip }) => ip)).toEqual(['10.0.0.2'])
    expect(await addresses()).toEqual(['10.0.0.1'])
  })
  test('given to the same handle anew since: kept', async () => {
    const leak = await leakOf('c1')
    await ipam.releaseByHandle('c1')
    await assign('10.0.0.1', 'c1')
    expect(await releaseLeak(acting, leak)).toEqual([])
    expect(await addresses()).toEqual(['10.0.0.1'])
  })
  test('the handle has got another address since: none of both', async () => {
    const leak = await leakOf('c1')
    await assign('10.0.0.9', 'c1')
    expect(await releaseLeak(acting, leak)).toEqual([])
    expect(await addresses()).toEqual(['10.0.0.1', '10.0.0.9'])
  })
  test('one of two is in use: none of both', async () => {
    await assign('10.0.0.9', 'c1', { ...owner, pod: 'other' })
    objects.set(podPath('other'), pod('other', '10.0.0.9'))
    expect(await releaseLeak(acting, await leakOf('c1'))).toEqual([])
    expect(await addresses()).toEqual(['10.0.0.1', '10.0.0.9'])
  })
  test.each<[string, object | undefined, number]>([
    ['gone', undefined, 0],
    ['there', { metadata: { name: 'n1' } }, 1],
  ])('a tunnel of a node that is %s', async (_name, node, left) => {
    await assign('10.0.0.20', 'tunnel', { node: 'n1', type: 'ipipTunnelAddress' })
    if (node !== undefined) objects.set('/api/v1/nodes/n1', node)
    await releaseLeak(acting, await leakOf('tunnel'))
    expect((await addresses()).filter((ip) => ip === '10.0.0.20')).toHaveLength(left)
  })
})

describe('a holder that is gone', () => {
  const handleID = 'hc-fixed.default.web-0'
  const identity = 'default/StatefulSet/web/web-0'
  const holder = { id: 'c9', node: 'n1' }
  const gone = async () => {
    const { allocations } = await leakOf(handleID)
    return { handleID, holderID: 'c9', identity, allocations }
  }
  const held = async () => (await leakOf(handleID)).allocations[0]?.fixed?.holder?.id
  beforeEach(() => assign('10.0.0.30', handleID, fixedAttrs({ identity, epoch: 1, holder })))

  test('parked, never released', async () => {
    expect(await parkGone(acting, await gone())).toBe(true)
    expect([await held(), await addresses()]).toEqual([undefined, ['10.0.0.1', '10.0.0.30']])
  })
  test.each<[string, object]>([
    ['has it', pod('web-0', '10.0.0.30')],
    ['is starting there', pod('web-0', undefined)],
  ])('its pod is there after all and %s: held', async (_name, there) => {
    objects.set(podPath('web-0'), there)
    expect(await parkGone(acting, await gone())).toBe(false)
    expect(await held()).toBe('c9')
  })
  test('somebody has taken over since: held by them', async () => {
    const before = await gone()
    await ipam.takeOverFixed({ handleID, identity, holder: { id: 'c10', node: 'n2' } })
    expect(await parkGone(acting, before)).toBe(false)
    expect(await held()).toBe('c10')
  })
})

describe('nodes and handles', () => {
  const blocks = async () => {
    const read = await datastore.read([{ list: 'Block' }, { list: 'BlockAffinity' }])()
    if (read._tag === 'Left') throw new Error(read.left.message)
    const [all, affinities] = read.right
    return [all.map(({ value }) => value.affinity), affinities.length]
  }
  test('a node that is gone: empty blocks go, others lose their owner', async () => {
    await ipam.claimAffinity('10.0.0.128/30', { type: 'host', host: 'n1' })
    expect(await blocks()).toEqual([['host:n1', 'host:n1'], 2])
    expect(await cleanNode(acting, 'n1')).toBe(true)
    expect(await blocks()).toEqual([[undefined], 0])
  })
  test('a node that is there after all: nothing', async () => {
    objects.set('/api/v1/nodes/n1', { metadata: { name: 'n1' } })
    expect(await cleanNode(acting, 'n1')).toBe(false)
    expect(await blocks()).toEqual([['host:n1'], 1])
  })
  test('a block whose owner has no affinity loses its owner; one that has it keeps it', async () => {
    await disown(acting.context, '10.0.0.0/30')
    expect((await blocks())[0]).toEqual(['host:n1'])
    const key = { kind: 'BlockAffinity', type: 'host', host: 'n1', cidr: '10.0.0.0/30' } as const
    const read = await datastore.read([{ get: key }])()
    const revision = read._tag === 'Right' ? read.right[0]?.revision : undefined
    await datastore.commit([{ op: 'delete', key, revision: revision as never }])()
    await disown(acting.context, '10.0.0.0/30')
    expect(await blocks()).toEqual([[undefined], 0])
    expect(await addresses()).toEqual(['10.0.0.1'])
  })
  const handle = async (id: string) => {
    const read = await datastore.read([{ get: { kind: 'Handle', id } }])()
    return read._tag === 'Left' ? undefined : read.right[0]
  }
  const stray = async (count: number) => {
    const value = { id: 'stray', blocks: { '10.0.0.0/30': count } }
    await datastore.commit([{ op: 'create', key: { kind: 'Handle', id: 'stray' }, value }])()
    return { handleID: 'stray', revision: (await handle('stray'))?.revision as string }
  }
  test('a handle that owns nothing goes, whatever it counts', async () => {
    expect(await deleteHandle(acting, await stray(3))).toBe(true)
    expect(await handle('stray')).toBeUndefined()
  })
  test('written since: it stays', async () => {
    const before = await stray(1)
    await assign('10.0.0.2', 'stray')
    expect(await deleteHandle(acting, before)).toBe(false)
    expect(await ipam.ipsByHandle('stray')).toEqual(['10.0.0.2'])
  })
  test('it owns something after all: it stays', async () => {
    const revision = (await handle('c1'))?.revision as string
    expect(await deleteHandle(acting, { handleID: 'c1', revision })).toBe(false)
    expect(await ipam.ipsByHandle('c1')).toEqual(['10.0.0.1'])
  })
})
