// One etcd: it serves, keeps its data over a kill, is gone when stopped.
import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { command } from '../src/command.ts'
import { type Etcd, startEtcd } from '../src/etcd.ts'

const etcdctl = (etcd: Etcd, ...args: ReadonlyArray<string>): Promise<string> =>
  command('etcdctl', ['--endpoints', etcd.endpoint, '--command-timeout', '500ms', ...args], {
    env: { ETCDCTL_API: '3', PATH: '/usr/bin:/bin' },
  })

describe('etcd', () => {
  let etcd: Etcd
  beforeAll(async () => {
    etcd = await startEtcd()
  })
  afterAll(() => etcd.stop())

  test('serves', async () => {
    await etcdctl(etcd, 'put', '/calico/a', 'one')
    expect(await etcdctl(etcd, 'get', '--print-value-only', '/calico/a')).toBe('one\n')
  })

  test('killed and started again it has its data, on the same endpoint', async () => {
    await etcdctl(etcd, 'put', '/calico/b', 'two')
    await etcd.kill()
    await expect(etcdctl(etcd, 'get', '/calico/b')).rejects.toThrow()
    await etcd.start()
    expect(await etcdctl(etcd, 'get', '--print-value-only', '/calico/b')).toBe('two\n')
  })

  test('paused it answers nothing, resumed it does', async () => {
    etcd.pause()
    await expect(etcdctl(etcd, 'get', '/calico/a')).rejects.toThrow(/deadline exceeded/)
    etcd.resume()
    expect(await etcdctl(etcd, 'get', '--print-value-only', '/calico/a')).toBe('one\n')
  })

  test('two at once, and stopped ones leave nothing', async () => {
    const [one, two] = await Promise.all([startEtcd(), startEtcd()])
    await etcdctl(one, 'put', 'k', 'v')
    expect(await etcdctl(two, 'get', 'k')).toBe('')
    await Promise.all([one.stop(), two.stop()])
    expect([existsSync(one.dataDir), existsSync(two.logFile)]).toEqual([false, false])
    await expect(etcdctl(one, 'get', 'k')).rejects.toThrow()
  })

  test('a flag etcd does not know: the error carries its log', async () => {
    await expect(startEtcd({ args: ['--no-such-flag'] })).rejects.toThrow(
      /etcd is ready: etcd has ended(.|\n)*no-such-flag/,
    )
  })
})
