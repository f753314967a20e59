// The main plugin with somebody else's IPAM: called as libcni would, its routes honoured, its errors
// passed on, its addresses given back when ADD fails.
import { describe, expect, test } from 'vitest'
import type { Execution } from '../../src/machine.ts'
import { World } from '../world.ts'

const conf = (more: object = {}) => ({
  ipam: { type: 'host-local', subnet: '10.1.0.0/24', ...more },
})

const withPlugin = async (answer: object, exitCode = 0) => {
  const world = await World.create()
  const calls: Execution[] = []
  world.executables.set('/opt/cni/bin/host-local', (execution) => {
    calls.push(execution)
    const answers = exitCode !== 0 || execution.env.CNI_COMMAND === 'ADD'
    return { exitCode, stdout: answers ? JSON.stringify(answer) : '', stderr: '' }
  })
  return { world, calls, commands: () => calls.map((one) => one.env.CNI_COMMAND) }
}

const given = {
  cniVersion: '0.4.0',
  ips: [{ version: '4', address: '10.1.0.5/24', gateway: '10.1.0.1' }],
  routes: [{ dst: '0.0.0.0/0' }],
}

test('ADD: environment, document, result', async () => {
  const { world, calls } = await withPlugin(given)
  const args = world.pod('web-0')
  const { document } = await world.run({ command: 'ADD', args, conf: conf() })
  expect(document).toMatchObject({
    ips: [{ interface: 1, address: '10.1.0.5/32' }],
    routes: [{ dst: '0.0.0.0/0' }],
  })
  expect(document.ips[0]).not.toHaveProperty('gateway')
  expect(calls[0]?.env).toMatchObject({
    CNI_COMMAND: 'ADD',
    CNI_CONTAINERID: 'c1',
    CNI_IFNAME: 'eth0',
    CNI_ARGS: `IgnoreUnknown=1;${args}`,
    CNI_PATH: '/opt/cni/bin',
  })
  expect(JSON.parse(calls[0]?.stdin ?? '')).toMatchObject({ name: 'k8s-pod-network', ...conf() })
  expect(await world.held()).toEqual({})
})

test('empty CNI_ARGS gain no empty pair', async () => {
  const { world, calls } = await withPlugin(given)
  await world.run({ command: 'ADD', conf: conf() })
  expect(calls[0]?.env.CNI_ARGS).toBe('IgnoreUnknown=1')
})

describe('routes of the configuration', () => {
  const routes = [{ dst: '10.0.0.0/8' }, { dst: 'fd00::/8' }]
  test.each([
    ['replace the default', {}, ['10.0.0.0/8']],
    ['or stand beside it', { include_default_routes: true }, ['0.0.0.0/0', '10.0.0.0/8']],
  ])('%s', async (_, more, expected) => {
    const { world } = await withPlugin(given)
    await world.run({ command: 'ADD', conf: { ...conf({ routes }), ...more } })
    expect(world.kernel.links[0]?.routes).toEqual(expected)
  })
})

test('DEL, CHECK, GC and STATUS go to the plugin as well', async () => {
  const { world, commands } = await withPlugin(given)
  const { document } = await world.run({ command: 'ADD', conf: conf() })
  await world.run({ command: 'CHECK', conf: { ...conf(), prevResult: document } })
  await world.run({ command: 'STATUS', conf: conf() })
  await world.run({ command: 'DEL', conf: conf() })
  await world.run({ command: 'GC', conf: { ...conf(), 'cni.dev/valid-attachments': [] } })
  expect(commands()).toEqual(['ADD', 'CHECK', 'STATUS', 'DEL', 'GC'])
})

test('DEL does not need to know the pod CIDR', async () => {
  const { world, calls } = await withPlugin(given)
  const ranges = [[{ subnet: 'usePodCidr' }], [{ subnet: 'usePodCidrIPv6' }]]
  const { code } = await world.run({
    command: 'DEL',
    conf: { ipam: { type: 'host-local', ranges } },
  })
  expect(code).toBe(0)
  expect(JSON.parse(calls[0]?.stdin ?? '').ipam.ranges).toEqual([
    [{ subnet: '0.0.0.0/0' }],
    [{ subnet: '::/0' }],
  ])
})

describe('failures', () => {
  test('the plugin’s error is ours, and nothing was wired', async () => {
    const { world, commands } = await withPlugin({ code: 11, msg: 'range full', details: 'x' }, 1)
    const { document } = await world.run({ command: 'ADD', conf: conf() })
    expect(document).toMatchObject({ code: 11, msg: 'range full', details: 'x' })
    expect(world.kernel.links).toEqual([])
    expect(commands()).toEqual(['ADD', 'DEL'])
  })
  test('a result without addresses', async () => {
    const { world, commands } = await withPlugin({ cniVersion: '0.4.0', ips: [] })
    const { document } = await world.run({ command: 'ADD', conf: conf() })
    expect(document).toMatchObject({ code: 101, msg: 'IPAM plugin returned missing IP config' })
    expect(commands()).toEqual(['ADD', 'DEL'])
  })
  test('a result of rubbish', async () => {
    const { world } = await withPlugin({ cniVersion: '0.4.0', ips: [{ address: 'x' }] })
    const { document } = await world.run({ command: 'ADD', conf: conf() })
    expect(document).toMatchObject({
      code: 6,
      msg: expect.stringContaining('invalid result of host-local: ips[0].address'),
    })
  })
  test('wiring fails: the plugin takes its address back', async () => {
    const { world, commands } = await withPlugin(given)
    world.kernel.failing.add('addWorkload')
    await world.run({ command: 'ADD', conf: conf() })
    expect(commands()).toEqual(['ADD', 'DEL'])
  })
})
