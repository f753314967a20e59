// containerd with Debian's own plugins: pods run, have addresses, are gone.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cgroupNames } from '../src/cgroup.ts'
import { command } from '../src/command.ts'
import { type Containerd, startContainerd } from '../src/containerd.ts'
import { makeDirectory } from '../src/directory.ts'
import { createNode, type NetworkNamespace } from '../src/netns.ts'
import { waitUntil } from '../src/process.ts'

const addresses = makeDirectory('addresses')
afterAll(() => addresses.remove())

const network = {
  cniVersion: '1.0.0',
  name: 'test',
  plugins: [
    {
      type: 'ptp',
      ipam: {
        type: 'host-local',
        dataDir: addresses.path,
        ranges: [[{ subnet: '10.77.0.0/24' }]],
      },
    },
  ],
}

describe('containerd', () => {
  let node: NetworkNamespace
  let containerd: Containerd
  beforeAll(async () => {
    node = await createNode('ctd')
    containerd = await startContainerd({ node, plugins: [] })
  })
  afterAll(async () => {
    await containerd?.stop()
    await node?.delete()
  })

  test('without a network no pod can be made, and it says so', async () => {
    expect(await containerd.cri.networkCondition()).toContain('cni plugin not initialized')
    await expect(containerd.cri.runPod({ name: 'early' })).rejects.toThrow(/cni/)
  })

  test('a pod runs, has an address, executes, is gone', async () => {
    await containerd.configureNetwork(network)
    // The record of the failed attempt stays until somebody removes it, as kubelet does.
    for (const id of await containerd.cri.listPods()) await containerd.cri.removePod(id)
    const pod = await containerd.cri.runPod({ name: 'one', annotations: { a: 'b' } })
    const status = await containerd.cri.podStatus(pod.id)
    expect(status).toEqual({ isReady: true, addresses: ['10.77.0.2'] })
    const container = await containerd.cri.runContainer(pod, 'app')
    const shown = await containerd.cri.exec(container, 'ip', 'addr', 'show', 'eth0')
    expect(shown).toMatchObject({ exitCode: 0, stderr: '' })
    expect(shown.stdout).toContain('inet 10.77.0.2/24')
    expect((await containerd.cri.exec(container, 'sh', '-c', 'exit 3')).exitCode).toBe(3)
    expect(await node.reaches('10.77.0.2')).toBe(true)
    expect(await containerd.cri.listPods()).toEqual([pod.id])
    await containerd.cri.stopPod(pod.id)
    await containerd.cri.removePod(pod.id)
    expect(await containerd.cri.listPods()).toEqual([])
    const links = (await node.links()).map((link) => link.ifname)
    expect(links.filter((name) => !name.startsWith('up'))).toEqual([])
  })

  test('the pods outlive a killed daemon', async () => {
    const pod = await containerd.cri.runPod({ name: 'two' })
    await containerd.kill()
    await containerd.start()
    expect(await containerd.cri.podStatus(pod.id)).toMatchObject({ isReady: true })
  })

  test('stopped with a pod still running, nothing stays', async () => {
    await containerd.stop()
    await expectNothingOf(dirname(containerd.socket))
  })
})

/** `hc-p<pid of the owner>-`: nothing in this file makes another owner's things. */
const ownerPart = (directory: string): string => /hc-p\d+-/.exec(directory)?.[0] ?? directory

const expectNothingOf = async (directory: string): Promise<void> => {
  expect(existsSync(directory)).toBe(false)
  expect(await command('cat', ['/proc/mounts'])).not.toContain(directory)
  // Processes that were killed take a moment to be gone.
  await waitUntil({ what: 'its processes are gone', timeoutMs: 5_000 }, async () => {
    const processes = await command('ps', ['-eo', 'args'])
    return !processes.includes(directory)
  })
  expect(cgroupNames().filter((name) => name.startsWith(ownerPart(directory)))).toEqual([])
}

test('whose owner was killed with -9: the next owner removes pods, mounts and groups', async () => {
  const source = (name: string): string => join(import.meta.dirname, '../src', name)
  const program = `
    import { startContainerd } from '${source('containerd.ts')}'
    import { createNode } from '${source('netns.ts')}'
    const node = await createNode('killed')
    const network = ${JSON.stringify(network)}
    const containerd = await startContainerd({ node, plugins: [], network })
    await containerd.cri.runPod({ name: 'orphan' })
    console.log(containerd.socket)
    setInterval(() => undefined, 1000)`
  const arguments_ = ['--input-type=module-typescript', '-e', program]
  const owner = spawn(process.execPath, arguments_, { stdio: ['ignore', 'pipe', 'inherit'] })
  const socket = await new Promise<string>((resolve) => {
    owner.stdout.setEncoding('utf8').once('data', (text: string) => resolve(text.trim()))
  })
  owner.kill('SIGKILL')
  await new Promise((resolve) => owner.once('close', resolve))
  expect(existsSync(dirname(socket))).toBe(true)
  const next = `
    import { removeLeftovers } from '${source('leftovers.ts')}'
    removeLeftovers()`
  await command(process.execPath, ['--input-type=module-typescript', '-e', next])
  await expectNothingOf(dirname(socket))
})
