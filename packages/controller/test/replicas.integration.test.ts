/**
 * Two replicas as real processes on a real API server: one acts, the other takes over, whatever
 * becomes of the first: told to stop, killed with -9, paused until its time is over. And the API
 * server restarts under both.
 */
import { makeDirectory } from '@hc-calico/cluster/directory'
import { waitUntil } from '@hc-calico/cluster/process'
import type { ServiceIPPoolStatus } from '@hc-calico/crd-types/harmonycloud'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type ControllerLab,
  datastoreTypes,
  poolNamed,
  startControllerLab,
} from './lab/controller-lab.ts'
import { type ControllerProcess, startControllerProcess } from './lab/controller-process.ts'

const timeoutMs = 60_000

describe.each(datastoreTypes)('on %s', (type) => {
  const directory = makeDirectory('replicas')
  const replicas = new Map<string, ControllerProcess>()
  let lab: ControllerLab
  beforeAll(async () => {
    lab = await startControllerLab(type)
    await lab.write(poolNamed('p1', '10.81.0.0/29'), poolNamed('p2', '10.81.1.0/29'))
  })
  afterAll(async () => {
    await Promise.all([...replicas.values()].map((one) => one.process.kill()))
    await lab?.stop()
    directory.remove()
  })

  const start = async (name: string): Promise<ControllerProcess> => {
    const replica = await startControllerProcess(lab, name, directory.path)
    replicas.set(name, replica)
    await waitUntil(
      { what: `${name} is ready`, timeoutMs, needs: [replica.process] },
      async () => (await replica.ask('/readyz'))?.status === 200,
    )
    return replica
  }
  const holder = async (): Promise<string> => {
    const path = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/hc-calico-controller'
    const lease = (await lab.api('GET', path, undefined, [404])) as {
      readonly spec?: { readonly holderIdentity?: string }
    }
    return (lease.spec?.holderIdentity ?? '').split('_')[0] ?? ''
  }
  const isLeading = async (name: string): Promise<boolean> =>
    /^hc_calico_controller_leading 1$/m.test(
      (await replicas.get(name)?.ask('/metrics'))?.text ?? '',
    )
  const untilLeads = (name: string) =>
    waitUntil(
      { what: `${name} leads`, timeoutMs },
      async () => (await holder()) === name && (await isLeading(name)),
    )

  let made = 0
  /** Somebody acts: a new service gets its status. */
  const expectActing = async (): Promise<void> => {
    made += 1
    const path = '/apis/harmonycloud.cn/v1alpha1/namespaces/default/serviceippools'
    const name = `s${made}`
    await lab.api('POST', path, {
      ...{ apiVersion: 'harmonycloud.cn/v1alpha1', kind: 'ServiceIPPool' },
      ...{ metadata: { name }, spec: { ipv4poolList: ['p1', 'p2'] } },
    })
    await waitUntil({ what: `${name} has its status`, timeoutMs }, async () => {
      const { status } = (await lab.api('GET', `${path}/${name}`)) as {
        readonly status?: ServiceIPPoolStatus
      }
      return status?.total === 16
    })
  }

  test('one leads, the other is ready and silent about addresses', async () => {
    await start('one')
    await untilLeads('one')
    await start('two')
    await expectActing()
    expect(await isLeading('two')).toBe(false)
    const told = (await replicas.get('two')?.ask('/metrics'))?.text ?? ''
    expect(told).not.toMatch(/^ipam_ippool_size\{/m)
    expect(told).toMatch(/^hc_calico_controller_source_synced\{source="blocks"\} 1$/m)
  })

  test('told to stop, the leader hands over before it ends', async () => {
    const leaving = replicas.get('one')
    const exit = await leaving?.process.stop()
    expect(exit).toEqual({ code: 0, signal: null })
    expect(leaving?.process.tail()).toContain('The lease is given back')
    await untilLeads('two')
    await expectActing()
    await start('one')
  })

  test('killed with -9, the leader is followed when its time is over', async () => {
    await replicas.get('two')?.process.kill()
    await untilLeads('one')
    await expectActing()
    await start('two')
  })

  test('paused until its time is over, the old leader finds that it leads no more', async () => {
    const paused = replicas.get('one')
    paused?.process.signal('SIGSTOP')
    await untilLeads('two')
    paused?.process.signal('SIGCONT')
    await waitUntil({ what: 'it answers again', timeoutMs }, async () =>
      paused === undefined ? false : (await paused.ask('/healthz'))?.status === 200,
    )
    await waitUntil(
      { what: 'it has noticed', timeoutMs },
      async () => paused?.process.tail(50).includes('Leadership is lost') === true,
    )
    expect(await isLeading('one')).toBe(false)
    expect(await holder()).toBe('two')
    await expectActing()
  })

  test('the API server is killed and comes back: one leads again, and acts on what is new', async () => {
    await lab.kubernetes.apiServer.kill()
    const led = async () => [await isLeading('one'), await isLeading('two')]
    await waitUntil(
      { what: 'nobody leads without the API', timeoutMs },
      async () => !(await led()).includes(true),
    )
    await lab.kubernetes.apiServer.start()
    await waitUntil(
      { what: 'somebody leads', timeoutMs },
      async () => (await led()).filter(Boolean).length === 1,
    )
    await expectActing()
    for (const one of replicas.values()) expect((await one.ask('/readyz'))?.status).toBe(200)
  })

  test('both told to stop: both end well, and nobody holds the lease', async () => {
    const exits = await Promise.all([...replicas.values()].map((one) => one.process.stop()))
    expect(exits).toEqual([
      { code: 0, signal: null },
      { code: 0, signal: null },
    ])
    expect(await holder()).toBe('')
  })
})
