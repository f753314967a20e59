/** `/metrics`, `/healthz`, `/readyz` of a controller on a real API server; a loop that stalls. */
import { createIPAM, fixedAttrs } from '@hc-calico/ipam-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CreateReconciler } from '../src/reconcilers.ts'
import type { Controller } from '../src/run.ts'
import {
  type ControllerLab,
  datastoreTypes,
  poolNamed,
  startControllerLab,
} from './lab/controller-lab.ts'

const patience = { timeout: 30_000, interval: 50 }

const ask = async (controller: Controller, path: string) => {
  const response = await fetch(`http://127.0.0.1:${controller.port}${path}`)
  return { status: response.status, text: await response.text() }
}

describe.each(datastoreTypes)('on %s', (type) => {
  let lab: ControllerLab
  beforeAll(async () => {
    lab = await startControllerLab(type)
    await lab.write(poolNamed('p', '10.83.0.0/29', { blockSize: 30 }), {
      ...{ op: 'create', key: { kind: 'IPReservation', name: 'r' } },
      value: { name: 'r', reservedCIDRs: ['10.83.0.7/32'] },
    })
    for (const name of ['n1', 'n2', 'idle']) {
      await lab.api('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name } })
      if (type === 'kubernetes') continue
      await lab.write({ op: 'create', key: { kind: 'Node', name }, value: { name, labels: {} } })
    }
  })
  afterAll(() => lab?.stop())

  test('what is allocated shows with Calico’s names and ours', async () => {
    const ipam = createIPAM({ datastore: lab.datastore })
    const attrs = (node: string) => ({ node, pod: 'p', namespace: 'default' })
    await ipam.assignIP({ ip: '10.83.0.1', handleID: 'h1', attrs: attrs('n1'), host: 'n1' })
    await ipam.assignIP({ ip: '10.83.0.2', handleID: 'h2', attrs: attrs('n2'), host: 'n1' })
    const parked = fixedAttrs({ identity: 'default/StatefulSet/s/s-0', epoch: 1 })
    await ipam.assignIP({ ip: '10.83.0.5', handleID: 'h3', attrs: parked, host: 'n2' })
    // No loops: garbage collection would be in the way of allocations that belong to nobody.
    const controller = await lab.controller({ reconcilers: [] })
    await expect
      .poll(async () => (await ask(controller, '/metrics')).text, patience)
      .toMatch(/^ipam_allocations_in_use\{ippool="p",node="unknown_node"\} 1$/m)
    const { text } = await ask(controller, '/metrics')
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    expect(lines).toEqual(
      expect.arrayContaining([
        'ipam_allocations_in_use{ippool="p",node="n1"} 1',
        'ipam_allocations_in_use{ippool="p",node="n2"} 1',
        'ipam_allocations_borrowed{ippool="p",node="n2"} 1',
        'ipam_allocations_borrowed{ippool="p",node="n1"} 0',
        'ipam_blocks{ippool="p",node="n1"} 1',
        'ipam_blocks{ippool="p",node="n2"} 1',
        'ipam_ippool_size{ippool="p"} 8',
        'ipam_ippool_reserved{ippool="p"} 1',
        'ipam_allocations_per_node{node="n1"} 1',
        'ipam_allocations_per_node{node="idle"} 0',
        'ipam_blocks_per_node{node="idle"} 0',
        'hc_calico_ippool_used{ippool="p"} 3',
        'hc_calico_ippool_free{ippool="p"} 4',
        'hc_calico_fixed_addresses_parked{ippool="p"} 1',
        'hc_calico_fixed_addresses_held{ippool="p"} 0',
        'hc_calico_controller_leading 1',
        'hc_calico_controller_cached_objects{source="blocks"} 2',
      ]),
    )
    await controller.stop()
  })

  test('a loop that stalls makes the process unhealthy and unfit, and is named', async () => {
    let release = (): void => undefined
    const stalling: CreateReconciler = () => ({
      ...{ name: 'stalling', periodMs: 60_000, stallMs: 300, needs: [] },
      reconcile: () =>
        new Promise<void>((resolve) => {
          release = resolve
        }),
    })
    const controller = await lab.controller({ reconcilers: [stalling] })
    const states = async () => [
      (await ask(controller, '/healthz')).status,
      (await ask(controller, '/readyz')).status,
    ]
    await expect.poll(states, patience).toEqual([503, 503])
    expect((await ask(controller, '/healthz')).text).toBe('the loop stalling is stalled\n')
    expect((await ask(controller, '/metrics')).text).toMatch(
      /^hc_calico_controller_loop_stalled\{loop="stalling"\} 1$/m,
    )
    release()
    await expect.poll(states, patience).toEqual([200, 200])
    await controller.stop()
  })

  test('without the API server it is well, but not fit once nothing has been heard for long', async () => {
    const pace = { watchSeconds: 1, silenceSlackMs: 200, retryMsMin: 50, retryMsMax: 200 }
    const controller = await lab.controller({
      reconcilers: [],
      settings: { pace: { pageSize: 500, unservedMs: 300, ...pace } },
    })
    const states = async () => [
      (await ask(controller, '/healthz')).status,
      (await ask(controller, '/readyz')).status,
    ]
    await expect.poll(states, patience).toEqual([200, 200])
    await lab.kubernetes.apiServer.kill()
    await expect.poll(states, patience).toEqual([200, 503])
    expect((await ask(controller, '/readyz')).text).toContain('nothing is heard about pods')
    await lab.kubernetes.apiServer.start()
    await expect.poll(states, patience).toEqual([200, 200])
    await controller.stop()
  })
})
