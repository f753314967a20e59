// The log file: who may read it, how it rotates, and that nothing can forge a line.
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { LogConfig } from '../src/config.ts'
import { logLine, openLog } from '../src/logging.ts'
import { World } from './world.ts'

const source = { plugin: 'hc-calico', pid: 42 }
const at = new Date('2026-11-20T10:00:00.123Z')
let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hc-calico-log-'))
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true, force: true })
})

const config = (more: Partial<LogConfig> = {}): LogConfig => ({
  level: 'info',
  file: join(folder, 'deep', 'cni.log'),
  sizeMBMax: 1,
  ageDaysMax: 30,
  filesMax: 2,
  ...more,
})

test('the form of a line', () => {
  expect(logLine(at, 'info', source, 'Assigned', { ip: '10.0.0.1', n: 3, none: undefined })).toBe(
    '2026-11-20 10:00:00.123 [INFO][42] hc-calico: Assigned ip="10.0.0.1" n=3\n',
  )
})

test('nothing from outside starts a new line or fills the disk', () => {
  const line = logLine(at, 'error', source, 'a\nb', {
    id: 'x\n[ERROR] forged',
    big: 'y'.repeat(9_999),
  })
  expect(line.split('\n')).toHaveLength(2)
  expect(line.length).toBeLessThan(700)
})

describe('the file', () => {
  test('is made with its folder, for root only', () => {
    const log = openLog(config(), source, () => at)
    log.info('one')
    log.close()
    expect(statSync(join(folder, 'deep', 'cni.log')).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'deep')).mode & 0o777).toBe(0o700)
  })
  test('has what its level lets through', () => {
    const log = openLog(config({ level: 'warning' }), source, () => at)
    log.debug('d')
    log.info('i')
    log.warning('w')
    log.error('e')
    log.close()
    const lines = readFileSync(join(folder, 'deep', 'cni.log'), 'utf8')
      .trim()
      .split('\n')
    expect(lines.map((line) => line.at(-1))).toEqual(['w', 'e'])
  })
  test('rotates when it is full, and keeps so many', () => {
    const file = join(folder, 'cni.log')
    for (let day = 1; day <= 5; day += 1) {
      writeFileSync(file, 'x'.repeat(1024 * 1024))
      const log = openLog(config({ file }), source, () => new Date(Date.UTC(2026, 10, day)))
      log.info(`day ${day}`)
      log.close()
    }
    expect(readdirSync(folder).sort()).toEqual([
      'cni-2026-11-04T00-00-00.000.log',
      'cni-2026-11-05T00-00-00.000.log',
      'cni.log',
    ])
    expect(readFileSync(file, 'utf8')).toContain('day 5')
  })
  test('forgets rotated ones by age, and touches no other file', () => {
    const file = join(folder, 'cni.log')
    const old = join(folder, 'cni-2026-01-01T00-00-00.000.log')
    const other = join(folder, 'cni-notes.log')
    for (const path of [old, other]) {
      writeFileSync(path, '')
      utimesSync(path, new Date(0), new Date(0))
    }
    writeFileSync(file, 'x'.repeat(1024 * 1024))
    openLog(config({ file, filesMax: 9 }), source, () => at).close()
    expect(readdirSync(folder)).not.toContain('cni-2026-01-01T00-00-00.000.log')
    expect(readdirSync(folder)).toContain('cni-notes.log')
  })
  test('that cannot be opened is no reason to fail', () => {
    const file = join(folder, 'file', 'cni.log')
    writeFileSync(join(folder, 'file'), '')
    const log = openLog(config({ file, level: 'error' }), source, () => at)
    expect(() => log.close()).not.toThrow()
  })
})

test('no call writes a credential, at any level, whether it succeeds or fails', async () => {
  const file = join(folder, 'calls.log')
  const secret = 's3cret-value'
  const world = await World.create()
  world.env = { ETCD_PASSWORD: secret, K8S_API_TOKEN: secret }
  const conf = {
    log_level: 'debug',
    log_file_path: file,
    policy: { k8s_auth_token: secret },
    etcd_endpoints: `http://user:${secret}@e:2379`,
    args: { anything: secret },
  }
  const args = world.pod('web-0')
  const printed = [
    await world.run({ command: 'ADD', args, conf }),
    await world.run({ command: 'ADD', args, conf: { ...conf, mtu: 'x' } }),
    await world.run({ command: 'ADD', ns: 'nowhere', args, conf }),
    await world.run({ command: 'STATUS', conf: { ...conf, datastore_type: 'etcdv3' } }),
    await world.run({ command: 'DEL', args, conf }),
  ]
  const log = readFileSync(file, 'utf8')
  expect(log).toContain('Assigned')
  expect(log).toContain('Call failed')
  expect(log).not.toContain(secret)
  expect(printed.map((one) => one.stdout).join()).not.toContain(secret)
})
