// Real podman runs containers on a network of our plugin.
import { imageName } from '@hc-calico/cluster'
import { nodeAddresses } from '@hc-calico/cluster/netns'
import { type Podman, startPodman } from '@hc-calico/cluster/podman'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { executables, makeNodeUnderTest, type NodeUnderTest, nothing } from '../node-under-test.ts'

let node: NodeUnderTest
let podman: Podman
beforeAll(async () => {
  node = await makeNodeUnderTest('pod')
  const network = node.network({
    followedBy: [{ type: 'portmap', snat: true, capabilities: { portMappings: true } }],
  })
  podman = await startPodman({ node: node.netns, plugins: [executables], network })
})
afterAll(async () => {
  await podman?.stop()
  await node?.remove()
})
afterEach(async () => {
  await podman.podman('rm', '--all', '--force', '--time', '0')
  expect(await node.footprint()).toEqual(nothing)
})

const start = async (name: string, ...options: ReadonlyArray<string>): Promise<void> => {
  await podman.run(['--detach', '--name', name, ...options], 'sleep 1000')
}

interface Inspected {
  readonly NetworkSettings: {
    readonly Networks: Readonly<
      Record<
        string,
        {
          readonly IPAddress: string
          readonly GlobalIPv6Address: string
          readonly MacAddress: string
        }
      >
    >
  }
}

const inspect = async (name: string) => {
  const [container] = JSON.parse(await podman.podman('inspect', name)) as Inspected[]
  const network = container?.NetworkSettings.Networks['hc-net']
  return {
    v4: network?.IPAddress ?? '',
    v6: network?.GlobalIPv6Address ?? '',
    mac: network?.MacAddress ?? '',
  }
}

describe('podman', () => {
  test('POD-01: run --rm: the container has both addresses, and is gone after', async () => {
    const shown = await podman.run(['--rm'], 'ip -o addr show eth0; ip route')
    expect(shown).toMatch(/inet 10\.66\.\d+\.\d+\/32/)
    expect(shown).toMatch(/inet6 fd66:[0-9a-f:]+\/128/)
    expect(shown).toContain('default via 169.254.1.1')
    expect(await node.footprint()).toEqual(nothing)
  })

  test('POD-02: inspect shows the addresses and the hardware address of the container', async () => {
    await start('seen')
    const { v4, v6, mac } = await inspect('seen')
    const inside = await podman.podman('exec', 'seen', 'ip', 'addr', 'show', 'eth0')
    expect(inside).toContain(`inet ${v4}/32`)
    expect(inside).toContain(`inet6 ${v6}/128`)
    expect(inside).toContain(mac)
    expect((await node.footprint()).routes).toEqual([v4, v6])
  })

  test('POD-03: two containers reach each other and their node', async () => {
    await start('a')
    await start('b')
    const { v4, v6 } = await inspect('b')
    for (const address of [v4, v6, ...Object.values(nodeAddresses)]) {
      await podman.podman('exec', 'a', 'ping', '-c', '1', '-W', '2', address)
    }
  })

  test('POD-04: ten at once have ten addresses', async () => {
    const names = Array.from({ length: 10 }, (_, i) => `many-${i}`)
    await Promise.all(names.map((name) => start(name)))
    const seen = await Promise.all(names.map(inspect))
    expect(new Set(seen.map(({ v4 }) => v4)).size).toBe(10)
    expect(new Set(seen.map(({ v6 }) => v6)).size).toBe(10)
    expect((await node.footprint()).allocations).toHaveLength(20)
  })

  test('POD-05: stopped and started again it has an address again, only one', async () => {
    await start('restarted')
    await podman.podman('stop', '--time', '0', 'restarted')
    expect(await node.footprint()).toEqual(nothing)
    await podman.podman('start', 'restarted')
    const { v4 } = await inspect('restarted')
    expect(await node.netns.reaches(v4)).toBe(true)
    expect((await node.footprint()).routes).toHaveLength(2)
  })

  test('POD-06: --publish opens a port of the node through portmap', async () => {
    await start('published', '--publish', '8081:80')
    const { v4 } = await inspect('published')
    const rules = await node.netns.exec('iptables-save', ['-t', 'nat'])
    expect(rules).toContain(`--dport 8081 -j DNAT --to-destination ${v4}:80`)
  })

  test('POD-07: killed from inside, its addresses come back', async () => {
    await start('killed')
    await podman.podman('kill', 'killed')
    await podman.podman('wait', 'killed')
    await podman.podman('rm', 'killed')
  })

  test('POD-08: --ip asks for an address; one that somebody has is refused, and said', async () => {
    await start('asks', '--ip', '10.66.5.5')
    expect((await inspect('asks')).v4).toBe('10.66.5.5')
    const second = await podman.tryPodman(
      ...['run', '--network', 'hc-net', '--ip', '10.66.5.5', imageName, '/bin/true'],
    )
    expect(second.exitCode).not.toBe(0)
    expect(second.stderr).toMatch(/plugin type="hc-calico" failed \(add\): .*10\.66\.5\.5/)
    expect(await node.netns.reaches('10.66.5.5')).toBe(true)
    expect((await node.footprint()).handles).toHaveLength(1)
  })
})
