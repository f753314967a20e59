// Three members with TLS and authentication, and the handles that break them.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { command } from '../src/command.ts'
import { type EtcdCluster, type EtcdMember, startEtcdCluster } from '../src/etcd-cluster.ts'
import { waitUntil } from '../src/process.ts'

describe('an etcd cluster', () => {
  let cluster: EtcdCluster
  beforeAll(async () => {
    cluster = await startEtcdCluster({
      users: [{ name: 'calico-cni', prefix: '/calico/' }],
      args: ['--heartbeat-interval', '50', '--election-timeout', '500'],
    })
  })
  afterAll(() => cluster.stop())

  const as = async (user: string, ...args: ReadonlyArray<string>): Promise<string> => {
    const { certFile, keyFile } = await cluster.certificate(user)
    const tls = ['--cacert', cluster.caFile, '--cert', certFile, '--key', keyFile]
    const endpoints = ['--endpoints', cluster.endpoints.join(',')]
    return command('etcdctl', [...tls, ...endpoints, '--command-timeout', '2s', ...args], {
      env: { ETCDCTL_API: '3', PATH: '/usr/bin:/bin' },
    })
  }

  test('a client is who its certificate says, and may do what its role says', async () => {
    await as('calico-cni', 'put', '/calico/a', 'one')
    expect(await as('calico-cni', 'get', '--print-value-only', '/calico/a')).toBe('one\n')
    await expect(as('calico-cni', 'put', '/other', 'x')).rejects.toThrow('permission denied')
    await expect(as('stranger', 'get', '/calico/a')).rejects.toThrow()
  })

  test('without a certificate nobody gets in', async () => {
    const args = [
      '--cacert',
      cluster.caFile,
      '--endpoints',
      cluster.endpoints[0] ?? '',
      '--command-timeout=1s',
      'get',
      'a',
    ]
    const env = { ETCDCTL_API: '3', PATH: '/usr/bin:/bin' }
    await expect(command('etcdctl', args, { env })).rejects.toThrow()
  })

  const served = (what: string): Promise<boolean> =>
    waitUntil({ what, timeoutMs: 20_000 }, async () => {
      await as('calico-cni', 'put', '/calico/served', 'yes')
      return true
    })

  const faults: ReadonlyArray<
    [string, (m: EtcdMember) => Promise<void> | void, (m: EtcdMember) => Promise<void> | void]
  > = [
    ['killed', (m) => m.kill(), (m) => m.start()],
    ['stopped', (m) => m.pause(), (m) => m.resume()],
    ['cut off', (m) => m.partition('all'), (m) => m.heal()],
    ['cut off from its peers', (m) => m.partition('peers'), (m) => m.heal()],
  ]
  test.each(faults)(
    'the leader is %s: another one leads, and it comes back',
    async (_, hurt, cure) => {
      const before = await cluster.leader()
      await hurt(before)
      expect(await cluster.leader(before)).not.toBe(before)
      await served('the others serve')
      await cure(before)
      await waitUntil({ what: 'all are healthy', timeoutMs: 20_000 }, async () => {
        await cluster.etcdctl('endpoint', 'health', '--command-timeout', '2s')
        return true
      })
    },
  )

  test('a lossy link is slow, not down', async () => {
    const [member] = cluster.members
    await member?.lose(10)
    await served('it serves with a tenth of the packets lost')
    await member?.heal()
  })
})
