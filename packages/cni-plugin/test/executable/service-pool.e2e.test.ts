/** A service's pods take addresses from the pools it lists, and the list changes under them. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { addressesOf, CNILab } from '../lab/cni-lab.ts'
import { type LabDatastore, labDatastores } from '../lab/lab-datastore.ts'

const annotations = { serviceIPPoolcrd: 'svc1' }
/** None of them is chosen by itself: the first one by name would be. */
const pools = [
  { name: 'pool-a', cidr: '10.65.0.0/30', blockSize: 30 },
  { name: 'pool-b', cidr: '10.66.0.0/30', blockSize: 30 },
  { name: 'pool-c', cidr: '10.67.0.0/30', blockSize: 30, nodeSelector: 'rack == "elsewhere"' },
]

interface Lists {
  readonly ipv4poolList?: ReadonlyArray<string>
  readonly disabledIPv4PoolList?: ReadonlyArray<string>
}

describe.each(labDatastores)('datastore $name', ({ start }) => {
  let datastore: LabDatastore
  let lab: CNILab
  beforeAll(async () => {
    datastore = await start()
  })
  afterAll(() => datastore?.close())
  beforeEach(async () => {
    lab = await CNILab.on(datastore)
    await datastore.reset(pools)
    pods = 0
  })
  afterEach(() => lab?.close())

  /** The lists: an object of the Kubernetes API, or the configuration's own. */
  const conf = async (lists: Lists) => {
    await datastore.setServicePool('kube-system', 'svc1', lists)
    return lab.conf({
      main: {
        ...lab.datastoreFields(pools),
        runtimeConfig: { 'io.kubernetes.cri.pod-annotations': annotations },
        service_ip_pools: datastore.hasServicePools ? [] : [{ name: 'svc1', ...lists }],
      },
      ipam: { assign_ipv6: 'false' },
    })
  }

  let pods = 0
  const add = async (lists: Lists) => {
    pods += 1
    const { attachment } = await lab.scheduled(`svc-${pods}`, {}, annotations)
    const used = await conf(lists)
    const [address = ''] = addressesOf(await lab.cni.add(used, attachment))
    return { address, check: () => lab.cni.check(used, attachment) }
  }
  const poolOf = (address: string): string => (address.startsWith('10.66.') ? 'b' : 'a')

  test('members in list order, the next one when one is full', async () => {
    const lists = { ipv4poolList: ['no-such-pool', 'pool-b', 'pool-c', 'pool-a'] }
    const given: string[] = []
    for (let n = 0; n < 6; n += 1) given.push(poolOf((await add(lists)).address))
    expect(given.join('')).toBe('bbbbaa')
  })

  test('a change of the lists counts from the next ADD; running pods keep theirs', async () => {
    const before = await add({ ipv4poolList: ['pool-b', 'pool-a'] })
    expect(poolOf(before.address)).toBe('b')
    const draining = { ipv4poolList: ['pool-b', 'pool-a'], disabledIPv4PoolList: ['pool-b'] }
    expect(poolOf((await add(draining)).address)).toBe('a')
    await before.check()
    expect(poolOf((await add({ ipv4poolList: ['pool-b'] })).address)).toBe('b')
  })

  test('when no member can serve, every one of them says why', async () => {
    const lists = {
      ipv4poolList: ['pool-c', 'pool-a', 'gone', 'pool-b'],
      disabledIPv4PoolList: ['pool-b'],
    }
    for (let n = 0; n < 4; n += 1) await add(lists)
    await expect(add(lists)).rejects.toThrow(
      'no pool of ServiceIPPool "svc1" can serve an IPv4 address: pool-c: its nodeSelector does not match the node; pool-a: it is full; gone: there is no pool of this name; pool-b: it drains: the service lists it as disabled',
    )
    expect((await lab.stored()).allocations).toHaveLength(4)
  })

  test('an empty list leaves the family to the older rules', async () => {
    expect(poolOf((await add({})).address)).toBe('a')
  })

  test('a service pool that is not there', async () => {
    const { attachment } = await lab.scheduled('lost', {}, { serviceIPPoolcrd: 'svc9' })
    const used = lab.conf({
      main: {
        ...lab.datastoreFields(pools),
        runtimeConfig: { 'io.kubernetes.cri.pod-annotations': { serviceIPPoolcrd: 'svc9' } },
      },
    })
    await expect(lab.cni.add(used, attachment)).rejects.toThrow(
      'there is no ServiceIPPool "svc9" in namespace default nor in kube-system',
    )
  })
})
