/**
 * Our executables called as libcni calls them, in every version of the protocol, on every
 * datastore: one list of scenarios, and between two datastores one line of the conflist.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addressesOf, CNILab, nothingStored } from '../lab/cni-lab.ts'
import { type LabDatastore, labDatastores } from '../lab/lab-datastore.ts'

const versions = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0']

const hasCheck = (version: string): boolean => ['0.4.0', '1.0.0', '1.1.0'].includes(version)

describe.each(labDatastores)('datastore $name', ({ start }) => {
  let datastore: LabDatastore
  let lab: CNILab
  beforeAll(async () => {
    datastore = await start()
    lab = await CNILab.on(datastore)
  })
  afterAll(async () => {
    lab?.close()
    await datastore?.close()
  })

  describe.each(versions)('CNI %s', (cniVersion) => {
    const pod = `pod-${cniVersion.replaceAll('.', '-')}`

    test('ADD, CHECK, DEL, dual stack', async () => {
      const conf = lab.conf({ cniVersion })
      const { namespace, attachment } = await lab.scheduled(pod)
      const result = await lab.cni.add(conf, attachment)
      expect(result.cniVersion).toBe(cniVersion)
      const addresses = addressesOf(result)
      expect(addresses).toHaveLength(2)
      expect(namespace.addresses('eth0')).toEqual([`${addresses[0]}/32`, `${addresses[1]}/128`])
      expect(lab.host.reaches(addresses[0] ?? '')).toBe(true)
      expect(namespace.reaches('2001:db8:ffff::1')).toBe(true)
      if (hasCheck(cniVersion)) await lab.cni.check(conf, attachment)
      await lab.cni.del(conf, attachment)
      expect(namespace.links()).toEqual([])
      expect(lab.network.hostLinks()).toEqual([])
      expect(await lab.stored()).toEqual(nothingStored)
    })

    test('the result has the form of its version', async () => {
      const conf = lab.conf({ cniVersion })
      const { namespace, attachment } = await lab.scheduled(`${pod}-form`)
      const result = await lab.cni.add(conf, attachment)
      await lab.cni.del(conf, attachment)
      const [v4, v6] = addressesOf(result)
      if (['0.1.0', '0.2.0'].includes(cniVersion)) {
        expect(result).toMatchObject({ ip4: { ip: `${v4}/32` }, ip6: { ip: `${v6}/128` } })
        expect(result.interfaces).toBeUndefined()
        return
      }
      const family = cniVersion.startsWith('1.') ? {} : { version: '4' }
      expect(result.ips?.[0]).toEqual({ address: `${v4}/32`, interface: 1, ...family })
      expect(result.interfaces).toMatchObject([
        { name: expect.stringMatching(/^cali[0-9a-f]{11}$/) },
        { name: 'eth0', mac: expect.stringMatching(/^([0-9a-f]{2}:){5}/), sandbox: namespace.path },
      ])
      expect(result.interfaces?.[1]?.mtu).toBe(cniVersion.startsWith('1.') ? 1450 : undefined)
    })

    test('ADD replayed for the same container gives the same addresses', async () => {
      const conf = lab.conf({ cniVersion })
      const { attachment } = await lab.scheduled(`${pod}-replay`)
      const first = await lab.cni.add(conf, attachment)
      const second = await lab.cni.add(conf, attachment)
      expect(addressesOf(second)).toEqual(addressesOf(first))
      expect((await lab.stored()).allocations).toHaveLength(2)
      await lab.cni.del(conf, attachment)
      expect(await lab.stored()).toEqual(nothingStored)
    })

    test('DEL is idempotent: twice, without a namespace, never added', async () => {
      const conf = lab.conf({ cniVersion })
      const { namespace, attachment } = await lab.scheduled(`${pod}-del`)
      await lab.cni.add(conf, attachment)
      // containerd: once with the namespace, once more when the sandbox is gone, without a result.
      await lab.cni.del(conf, attachment)
      await lab.cni.del(conf, { ...attachment, netns: '' })
      await lab.cni.del(conf, lab.attachment('never-added', { netns: namespace.path }))
      await lab.cni.del(conf, lab.attachment('never-added', { netns: '/run/netns/hc-no-such' }))
      expect(await lab.stored()).toEqual(nothingStored)
    })

    test('DEL after the namespace vanished gives the addresses back', async () => {
      const conf = lab.conf({ cniVersion })
      const { namespace, attachment } = await lab.scheduled(`${pod}-gone`)
      await lab.cni.add(conf, attachment)
      namespace.delete()
      await lab.cni.del(conf, { ...attachment, netns: '' })
      expect(await lab.stored()).toEqual(nothingStored)
    })
  })

  test('VERSION lists what we speak, whatever is asked', async () => {
    for (const cniVersion of ['0.2.0', '1.1.0', '9.9.9']) {
      expect(await lab.cni.versions(lab.conf({ cniVersion }))).toEqual({ 'hc-calico': versions })
    }
  })

  test('a newer container of the same pod keeps its link, address and endpoint', async () => {
    const conf = lab.conf()
    const [older, newer] = [await lab.scheduled('twice'), lab.network.namespace('twice-again')]
    const attachment = lab.attachment('twice', { netns: newer.path })
    const before = addressesOf(await lab.cni.add(conf, older.attachment))
    const after = addressesOf(await lab.cni.add(conf, attachment))
    expect(after).not.toEqual(before)
    await lab.cni.del(conf, older.attachment)
    await lab.cni.check(conf, attachment)
    expect(newer.addresses('eth0').map((cidr) => cidr.split('/')[0])).toEqual(after)
    expect(lab.host.reaches(after[0] ?? '')).toBe(true)
    await lab.cni.del(conf, attachment)
    expect(await lab.stored()).toEqual(nothingStored)
  })

  test('called by Calico’s names it behaves the same', async () => {
    const conf = lab.conf({ main: { type: 'calico' }, ipam: { type: 'calico-ipam' } })
    const { attachment } = await lab.scheduled('calico-name')
    expect(addressesOf(await lab.cni.add(conf, attachment))).toHaveLength(2)
    await lab.cni.check(conf, attachment)
    await lab.cni.del(conf, attachment)
    expect(await lab.stored()).toEqual(nothingStored)
  })

  test('thirty at once: thirty addresses, and all of them back', async () => {
    const conf = lab.conf()
    const names = Array.from({ length: 30 }, (_, index) => `crowd-${index}`)
    const pods = await Promise.all(names.map((name) => lab.scheduled(name)))
    const results = await Promise.all(pods.map(({ attachment }) => lab.cni.add(conf, attachment)))
    const addresses = results.flatMap(addressesOf)
    expect(new Set(addresses).size).toBe(60)
    expect((await lab.stored()).allocations).toHaveLength(60)
    await Promise.all(pods.map(({ attachment }) => lab.cni.check(conf, attachment)))
    await Promise.all(pods.map(({ attachment }) => lab.cni.del(conf, attachment)))
    expect(await lab.stored()).toEqual(nothingStored)
    expect(lab.network.hostLinks()).toEqual([])
  })

  test('nothing but the result is printed, and logs go to stderr', async () => {
    for (const run of lab.runs.filter((one) => one.plugin === 'hc-calico')) {
      if (run.command === 'DEL' || run.command === 'CHECK') expect(run.stdout).toBe('')
      if (run.command === 'ADD') expect(run.stdout.trim().split('\n')).toHaveLength(1)
    }
  })
})
