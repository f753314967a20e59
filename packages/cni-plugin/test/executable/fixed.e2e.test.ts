/** A fixed pod keeps its addresses, on every datastore: over deletion, another node, late calls. */
import { randomBytes } from 'node:crypto'
import type { CNIAttachment } from '@hc-calico/cluster/libcni'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { addressesOf, CNILab } from '../lab/cni-lab.ts'
import { type LabDatastore, labDatastores } from '../lab/lab-datastore.ts'

const annotations = { 'fixed.ipam.harmonycloud.cn': 'true' }
const owner = 'redis'
const handle = 'hc-fixed.default.redis-0'
const pools = [
  { name: 'v4', cidr: '10.65.0.0/29', blockSize: 29 },
  { name: 'v6', cidr: 'fd65::/120', blockSize: 122 },
]

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
  })
  afterEach(() => lab?.close())

  /** Annotations come from the API where there is one, else from the runtime. */
  const conf = (node = 'node-1') =>
    lab.conf({
      main: {
        ...lab.datastoreFields(pools),
        nodename: node,
        runtimeConfig: { 'io.kubernetes.cri.pod-annotations': annotations },
      },
    })
  const plain = () => lab.conf({ main: lab.datastoreFields(pools), ipam: { assign_ipv6: 'false' } })

  let sandboxes = 0
  /** A new sandbox of redis-0 on a node; the pod of before is gone. */
  const incarnation = async (node = 'node-1'): Promise<CNIAttachment> => {
    sandboxes += 1
    await datastore.deletePod('redis-0')
    await datastore.createPod('redis-0', { annotations, owner, node })
    const { path } = lab.network.namespace(`redis-${sandboxes}`)
    return lab.attachment('redis-0', { netns: path, containerID: randomBytes(32).toString('hex') })
  }
  const fixedOnes = async () => (await lab.stored()).allocations.filter((one) => one === handle)

  test('deleted and started again, while neighbours take every other address', async () => {
    const first = await incarnation()
    const addresses = addressesOf(await lab.cni.add(conf(), first))
    expect(addresses).toHaveLength(2)
    await lab.cni.check(conf(), first)
    await lab.cni.del(conf(), first)
    expect(await fixedOnes()).toHaveLength(2)
    for (let n = 0; n < 7; n += 1) {
      const { attachment } = await lab.scheduled(`neighbour-${n}`)
      const [address] = addressesOf(await lab.cni.add(plain(), attachment))
      expect(addresses).not.toContain(address)
    }
    const { attachment } = await lab.scheduled('one-too-many')
    await expect(lab.cni.add(plain(), attachment)).rejects.toThrow('No IPs available in pools')
    const second = await incarnation()
    expect(addressesOf(await lab.cni.add(conf(), second))).toEqual(addresses)
    await lab.cni.check(conf(), second)
  })

  test('ADD replayed for the same container', async () => {
    const first = await incarnation()
    const addresses = addressesOf(await lab.cni.add(conf(), first))
    expect(addressesOf(await lab.cni.add(conf(), first))).toEqual(addresses)
    expect(await fixedOnes()).toHaveLength(2)
  })

  test('a node is lost; the pod starts on another; what comes late changes nothing', async () => {
    const lost = await incarnation('node-1')
    const addresses = addressesOf(await lab.cni.add(conf('node-1'), lost))
    // No DEL: the node lost its power. The kernel of the lab is shared, so its link goes by hand.
    for (const link of lab.network.hostLinks()) lab.host.ip('link', 'del', link.ifname)
    const now = await incarnation('node-2')
    expect(addressesOf(await lab.cni.add(conf('node-2'), now))).toEqual(addresses)
    await lab.forgetfulClient().del(conf('node-1'), { ...lost, netns: '' })
    await lab.forgetfulClient().gc(conf('node-1'), [])
    await lab.cni.check(conf('node-2'), now)
    expect(await fixedOnes()).toHaveLength(2)
  })

  test('a container that the runtime forgot: GC parks, and the next start has the addresses', async () => {
    const forgotten = await incarnation()
    const addresses = addressesOf(await lab.cni.add(conf(), forgotten))
    await lab.forgetfulClient().gc(conf(), [])
    expect(await fixedOnes()).toHaveLength(2)
    for (const link of lab.network.hostLinks()) lab.host.ip('link', 'del', link.ifname)
    expect(addressesOf(await lab.cni.add(conf(), await incarnation()))).toEqual(addresses)
  })

  test('a pod that asks for an address itself gets that one', async () => {
    const wish = { ...annotations, 'cni.projectcalico.org/ipAddrs': '["10.65.0.6"]' }
    await datastore.deletePod('redis-0')
    await datastore.createPod('redis-0', { annotations: wish, owner })
    const main = { runtimeConfig: { 'io.kubernetes.cri.pod-annotations': wish } }
    const wishing = lab.conf({ main: { ...lab.datastoreFields(pools), ...main } })
    const attachment = lab.attachment('redis-0', { netns: lab.network.namespace('wish').path })
    expect(addressesOf(await lab.cni.add(wishing, attachment))).toEqual(['10.65.0.6'])
    expect(await fixedOnes()).toEqual([])
  })

  test('where there is a Kubernetes API: the record says what the pod has, and gives it another', async () => {
    const path = '/api/v1/namespaces/default/configmaps/redis-fixed-ip-conf'
    const first = await incarnation()
    const [v4, v6] = addressesOf(await lab.cni.add(conf(), first))
    await lab.cni.del(conf(), first)
    if (!datastore.hasServicePools) return expect(await datastore.read(path)).toBeUndefined()
    const record = { data: { 'redis-0-ipv4': v4, 'redis-0-ipv6': v6 } }
    expect(await datastore.read(path)).toMatchObject(record)
    const other = v4 === '10.65.0.5' ? '10.65.0.6' : '10.65.0.5'
    await datastore.patch(path, { data: { 'redis-0-ipv4': other } })
    const second = await incarnation('node-2')
    expect(addressesOf(await lab.cni.add(conf('node-2'), second))).toEqual([other, v6])
    await lab.cni.check(conf('node-2'), second)
    expect(await fixedOnes()).toHaveLength(2)
  })
})
