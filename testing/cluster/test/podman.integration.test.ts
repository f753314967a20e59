// podman with Debian's own plugins: a container runs, has an address, is gone.
import { existsSync, readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createNode, type NetworkNamespace } from '../src/netns.ts'
import { type Podman, startPodman } from '../src/podman.ts'

const network = {
  cniVersion: '1.0.0',
  name: 'testnet',
  plugins: [{ type: 'ptp', ipam: { type: 'host-local', ranges: [[{ subnet: '10.78.0.0/24' }]] } }],
}

const namespaces = (): ReadonlyArray<string> =>
  existsSync('/run/netns') ? readdirSync('/run/netns').filter((name) => !/^hc-/.test(name)) : []

describe('podman', () => {
  let node: NetworkNamespace
  let podman: Podman
  beforeAll(async () => {
    node = await createNode('podman')
    podman = await startPodman({ node, plugins: [], network })
  })
  afterAll(async () => {
    await podman?.stop()
    await node?.delete()
  })

  test('a container runs on the network and is gone', async () => {
    const before = namespaces()
    expect(await podman.run(['--rm'], 'ip -4 addr show eth0')).toContain('inet 10.78.0.2/24')
    expect((await node.links()).filter((link) => !link.ifname.startsWith('up'))).toEqual([])
    expect(namespaces()).toEqual(before)
  })

  test('one in the background answers a ping; removed by force it leaves no link', async () => {
    const before = namespaces()
    const id = (await podman.run(['--detach', '--name', 'background'], 'sleep 1000')).trim()
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    const format = '{{.NetworkSettings.Networks.testnet.IPAddress}}'
    const address = (await podman.podman('inspect', '--format', format, 'background')).trim()
    expect(await node.reaches(address)).toBe(true)
    expect(namespaces()).toEqual(before)
    await podman.podman('rm', '--force', '--time', '0', 'background')
    expect((await node.links()).filter((link) => !link.ifname.startsWith('up'))).toEqual([])
  })

  test('a failure says what podman said', async () => {
    await expect(podman.podman('inspect', 'nobody')).rejects.toThrow(/no such object/)
  })
})
