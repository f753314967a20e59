/**
 * CHECK that checks, GC that collects, STATUS that knows: against damage made by hand, on every
 * datastore.
 */
import { CNIPluginError } from '@hc-calico/cluster/libcni'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { addressesOf, CNILab } from '../lab/cni-lab.ts'
import { type LabDatastore, labDatastores } from '../lab/lab-datastore.ts'
import type { LabNamespace } from '../lab/network-lab.ts'

const failureOf = (doing: Promise<unknown>): Promise<CNIPluginError> =>
  doing.then(
    () => expect.fail('it succeeded'),
    (error: unknown) => {
      if (error instanceof CNIPluginError) return error
      throw error
    },
  )

interface Wired {
  readonly pod: LabNamespace
  readonly cali: string
  readonly v4: string
  readonly v6: string
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
  })
  afterEach(() => lab?.close())

  describe('CHECK', () => {
    const damages: ReadonlyArray<
      readonly [string, (wired: Wired) => void, (wired: Wired) => string]
    > = [
      [
        'the interface',
        ({ pod }) => pod.ip('link', 'del', 'eth0'),
        ({ pod }) => `interface eth0 in ${pod.path} does not exist`,
      ],
      [
        'an address',
        ({ pod, v6 }) => pod.ip('addr', 'del', `${v6}/128`, 'dev', 'eth0'),
        ({ v6 }) => `lacks address ${v6}/128`,
      ],
      [
        'the default route',
        ({ pod }) => pod.ip('route', 'del', 'default'),
        () => 'route 0.0.0.0/0 via 169.254.1.1 is missing',
      ],
      [
        'the host route',
        ({ v4 }) => lab.host.ip('route', 'del', v4),
        ({ v4, cali }) => `host route ${v4}/32 through ${cali} is missing`,
      ],
      [
        'the MAC address',
        ({ pod }) => pod.ip('link', 'set', 'eth0', 'address', '02:00:00:00:00:77'),
        () => 'is 02:00:00:00:00:77, and ADD reported',
      ],
      [
        'the host link',
        ({ cali }) => lab.host.ip('link', 'set', cali, 'down'),
        ({ cali }) => `host link ${cali} is down`,
      ],
    ]

    test.each(damages)('without %s fails and says so', async (_, damage, sentence) => {
      const conf = lab.conf()
      const { namespace, attachment } = await lab.scheduled('damaged')
      const result = await lab.cni.add(conf, attachment)
      const [v4 = '', v6 = ''] = addressesOf(result)
      await lab.cni.check(conf, attachment)
      const wired = { pod: namespace, cali: result.interfaces?.[0]?.name ?? '', v4, v6 }
      damage(wired)
      expect((await failureOf(lab.cni.check(conf, attachment))).message).toContain(sentence(wired))
    })

    test('of an address that was given back fails', async () => {
      const conf = lab.conf()
      const { attachment } = await lab.scheduled('robbed')
      const [v4] = addressesOf(await lab.cni.add(conf, attachment))
      const [main] = conf.plugins
      if (main === undefined) throw new Error('no plugin')
      const ipamAlone = { ...conf, plugins: [{ ...main, type: 'hc-calico-ipam' }] }
      await lab.forgetfulClient().del(ipamAlone, attachment)
      const failure = await failureOf(lab.cni.check(conf, attachment))
      expect(failure.message).toContain(`${v4} is not allocated to this container`)
    })

    test('of a namespace that is gone fails with the code for it', async () => {
      const conf = lab.conf()
      const { namespace, attachment } = await lab.scheduled('gone')
      await lab.cni.add(conf, attachment)
      namespace.delete()
      const failure = await failureOf(lab.cni.check(conf, attachment))
      expect(failure.code).toBe(8)
      expect(failure.message).toContain(`"${namespace.path}" does not exist`)
    })
  })

  describe('GC', () => {
    test('collects what no valid container holds, and nothing else', async () => {
      const conf = lab.conf()
      const [kept, lost] = [await lab.scheduled('kept'), await lab.scheduled('lost')]
      await lab.cni.add(conf, kept.attachment)
      await lab.cni.add(conf, lost.attachment)
      // The runtime forgot it: only the plugin knows.
      const forgetful = lab.forgetfulClient()
      lost.namespace.delete()
      await forgetful.gc(conf, [kept.attachment])
      const stored = await lab.stored()
      expect(stored.handles).toEqual([`hc-net.${kept.attachment.containerID}`])
      expect(stored.allocations).toHaveLength(2)
      if (!datastore.endpointsArePods) expect(stored.endpoints).toHaveLength(1)
      await lab.cni.check(conf, kept.attachment)
      await forgetful.gc(conf, [])
      const { endpoints, ...rest } = await lab.stored()
      expect(rest).toEqual({ allocations: [], handles: [] })
      if (!datastore.endpointsArePods) expect(endpoints).toEqual([])
      expect(lab.network.hostLinks()).toEqual([])
    })

    test('of another network touches nothing', async () => {
      const conf = lab.conf()
      const { attachment } = await lab.scheduled('kept')
      await lab.cni.add(conf, attachment)
      await lab.forgetfulClient().gc({ ...conf, name: 'other-net' }, [])
      await lab.cni.check(conf, attachment)
    })
  })

  describe('STATUS', () => {
    test('is good while there is room', async () => {
      await lab.cni.status(lab.conf())
    })

    test('says what is wrong when no pool has room, with code 50', async () => {
      const pools = [{ name: 'tiny', cidr: '10.65.0.0/30', blockSize: 30 }]
      const conf = lab.conf({ main: await lab.withPools(pools), ipam: { assign_ipv6: 'false' } })
      await lab.cni.status(conf)
      for (const index of [1, 2, 3, 4]) {
        await lab.cni.add(conf, (await lab.scheduled(`full-${index}`)).attachment)
      }
      const failure = await failureOf(lab.cni.status(conf))
      expect(failure.code).toBe(50)
      expect(failure.message).toContain('No IPs available in pools: [10.65.0.0/30]')
    })

    test('needs a family that no pool has', async () => {
      const pools = [{ name: 'only-v4', cidr: '10.65.0.0/16' }]
      const failure = await failureOf(
        lab.cni.status(lab.conf({ main: await lab.withPools(pools) })),
      )
      expect(failure.code).toBe(50)
    })
  })
})
