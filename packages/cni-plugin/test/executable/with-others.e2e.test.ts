/** Together with Debian's plugins: behind ours in a chain, in front of our IPAM, and as our IPAM. */
import { spawn } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { addressesOf, CNILab, nothingStored } from '../lab/cni-lab.ts'

let lab: CNILab
beforeEach(() => {
  lab = new CNILab()
})
afterEach(() => lab?.close())

// Debian 12's plugins speak CNI up to 1.0.0.
const cniVersion = '1.0.0'

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

test('portmap behind us: a port of the host leads into the container', async () => {
  const portmap = { type: 'portmap', snat: true, capabilities: { portMappings: true } }
  const conf = lab.conf({ cniVersion, followedBy: [portmap] })
  const portMappings = [{ hostPort: 18080, containerPort: 8080, protocol: 'tcp' }]
  const { namespace, attachment } = lab.container('web', { capabilityArgs: { portMappings } })
  await lab.cni.add(conf, attachment)
  // Only ours: Debian's portmap 1.1.1 fails its own CHECK, looking for IPv4 rules among IPv6's.
  await lab.cni.check({ ...conf, plugins: conf.plugins.slice(0, 1) }, attachment)
  const rules = () => lab.host.run('iptables-save', ['-t', 'nat'])
  expect(rules()).toContain('--dport 18080')
  const server = spawn('nsenter', [
    `--net=${namespace.path}`,
    ...['busybox', 'nc', '-l', '-p', '8080', '-e', 'echo', 'from the container'],
  ])
  await pause(300)
  const said = lab.host.run('busybox', ['nc', '-w', '2', '192.0.2.1', '18080'])
  server.kill()
  expect(said.trim()).toBe('from the container')
  await lab.cni.del(conf, attachment)
  expect(rules()).not.toContain('--dport 18080')
  expect(await lab.stored()).toEqual(nothingStored)
})

describe.each(['hc-calico-ipam', 'calico-ipam'])('our IPAM as %s under another plugin', (ipam) => {
  const confFor = (main: Readonly<Record<string, unknown>> & { type: string }) => ({
    cniVersion,
    name: 'hc-net',
    plugins: [{ ...lab.datastoreFields(), ...main, ipam: { type: ipam, ...families } }],
  })
  const families = { assign_ipv4: 'true', assign_ipv6: 'false' }

  test('ptp', async () => {
    const conf = confFor({ type: 'ptp', mtu: 1450 })
    const { namespace, attachment } = lab.container('ptp-pod')
    const [address = ''] = addressesOf(await lab.cni.add(conf, attachment))
    expect(namespace.addresses('eth0').map((one) => one.split('/')[0])).toEqual([address])
    expect(lab.host.reaches(address)).toBe(true)
    expect(namespace.reaches('192.0.2.1')).toBe(true)
    await lab.cni.check(conf, attachment)
    await lab.cni.del(conf, attachment)
    expect(await lab.stored()).toEqual(nothingStored)
  })

  test('bridge: two containers reach each other and the gateway', async () => {
    const conf = confFor({
      type: 'bridge',
      bridge: 'hcbr0',
      isGateway: true,
      isDefaultGateway: true,
    })
    const pods = [lab.container('bridge-a'), lab.container('bridge-b')]
    const addresses: string[] = []
    for (const { attachment } of pods) {
      addresses.push(...addressesOf(await lab.cni.add(conf, attachment)))
    }
    expect(new Set(addresses).size).toBe(2)
    expect(pods[0]?.namespace.reaches(addresses[1] ?? '')).toBe(true)
    expect(pods[1]?.namespace.reaches('192.0.2.1')).toBe(true)
    for (const { attachment } of pods) await lab.cni.check(conf, attachment)
    for (const { attachment } of pods) await lab.cni.del(conf, attachment)
    expect((await lab.stored()).endpoints).toEqual([])
  })
})

describe('host-local as our IPAM', () => {
  const ipam = (directory: string) => ({
    type: 'host-local',
    dataDir: directory,
    ranges: [[{ subnet: '10.99.0.0/24' }], [{ subnet: 'fd99::/64' }]],
    routes: [{ dst: '10.0.0.0/8' }, { dst: '::/0' }],
  })

  test('gives the addresses; its routes replace the default', async () => {
    const conf = lab.conf({ cniVersion, main: { ipam: ipam(lab.directory) } })
    const { namespace, attachment } = lab.container('delegated')
    const result = await lab.cni.add(conf, attachment)
    expect(addressesOf(result)).toEqual(['10.99.0.2', 'fd99::2'])
    expect(namespace.addresses('eth0')).toEqual(['10.99.0.2/32', 'fd99::2/128'])
    expect(namespace.routes(4).map((route) => route.dst)).toEqual(['10.0.0.0/8', '169.254.1.1'])
    expect(lab.host.reaches('fd99::2')).toBe(true)
    await lab.cni.check(conf, attachment)
    await lab.cni.del(conf, attachment)
    expect(await lab.stored()).toEqual(nothingStored)
    const again = lab.container('delegated-again')
    await lab.cni.add(conf, again.attachment)
    await lab.cni.del(conf, again.attachment)
  })
})
