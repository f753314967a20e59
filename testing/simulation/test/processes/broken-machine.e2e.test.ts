/**
 * The compiled executable on a machine that lets it down: no room on the disk, no file descriptors, a
 * directory for the lock that nobody can write, a clock that has been set back. Whatever it answers,
 * it is an answer, and what is stored stays sound; and when the machine is well again, so is all.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeDirectory, type OwnDirectory } from '@hc-calico/cluster/directory'
import type { Datastore, KeyValue, Values, Write } from '@hc-calico/ipam-core/ports'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { judgeStored } from '../../src/processes/judge-stored.ts'
import { type Called, call } from '../../src/processes/plugin-call.ts'
import { Claims } from '../../src/truth/claims.ts'
import { localConf, networkName, openLocal } from './places.ts'

/** A directory that is a small disk of its own, which only processes in its mount namespace see. */
class SmallDisk {
  readonly inside: string
  readonly #holder: ChildProcess

  private constructor(inside: string, holder: ChildProcess) {
    this.inside = inside
    this.#holder = holder
  }

  static async make(directory: OwnDirectory, bytes: number): Promise<SmallDisk> {
    const inside = join(directory.path, 'disk')
    mkdirSync(inside)
    const script = `mount -t tmpfs -o size=${bytes} tmpfs "$0" && echo ready && exec sleep infinity`
    const args = ['--mount', '--propagation', 'private', 'sh', '-c', script, inside]
    const holder = spawn('unshare', args, { stdio: ['ignore', 'pipe', 'inherit'] })
    await new Promise<void>((resolve, reject) => {
      holder.stdout?.on('data', () => resolve())
      holder.on('close', () => reject(new Error('no mount namespace')))
    })
    return new SmallDisk(inside, holder)
  }

  get through(): ReadonlyArray<string> {
    return ['nsenter', `--mount=/proc/${this.#holder.pid}/ns/mnt`]
  }

  /** The same directory, for whoever stands outside. */
  get outside(): string {
    return `/proc/${this.#holder.pid}/root${this.inside}`
  }

  /** Runs a command inside. */
  async run(...command: ReadonlyArray<string>): Promise<void> {
    const [file = '', ...args] = [...this.through, ...command]
    const child = spawn(file, args, { stdio: 'inherit' })
    const code = await new Promise((resolve) => child.on('close', resolve))
    if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}`)
  }

  close(): void {
    this.#holder.kill('SIGKILL')
  }
}

let directory: OwnDirectory
let disk: SmallDisk
let claims: Claims
beforeEach(async () => {
  directory = makeDirectory('broken-machine')
  disk = await SmallDisk.make(directory, 4_000_000)
  claims = new Claims()
})
afterEach(async () => {
  disk?.close()
  directory?.remove()
})

const enter = (containerID: string, called: Called): Called => {
  const handle = `${networkName}.${containerID}`
  for (const address of called.tag === 'Done' ? called.addresses : []) {
    expect(claims.get(address), address).toBeUndefined()
    claims.set(address, { handle })
  }
  return called
}

interface Way {
  readonly through?: ReadonlyArray<string>
  readonly over?: object
}

const add = async (containerID: string, { through = [], over = {} }: Way = {}): Promise<Called> => {
  const conf = localConf(disk.inside, 'n1', over)
  const ways = [...disk.through, ...through]
  return enter(containerID, await call({ command: 'ADD', containerID, conf, through: ways }))
}

const del = async (containerID: string): Promise<Called> => {
  const conf = localConf(disk.inside, 'n1')
  for (const [address, { handle }] of [...claims.all]) {
    if (handle === `${networkName}.${containerID}`) claims.end(address, handle)
  }
  return call({ command: 'DEL', containerID, conf, through: disk.through })
}

const deleted = { tag: 'Done', addresses: [] }

/** Looks at a copy: SQLite finds the way out of /proc by itself, and would read another disk. */
const soundStore = async (): Promise<Values['Block']> => {
  const copy = join(directory.path, 'copy')
  rmSync(copy, { recursive: true, force: true })
  await disk.run('cp', '-a', disk.inside, copy)
  const datastore = await openLocal(copy)
  expect(await judgeStored(datastore, claims)).toEqual([])
  const { value } = await blockIn(datastore)
  await datastore.close()
  return value
}

const blockIn = async (datastore: Datastore): Promise<KeyValue<'Block'>> => {
  const found = await datastore.read([{ list: 'Block' }])()
  const [block] = found._tag === 'Right' ? found.right[0] : []
  return block ?? expect.fail('there is no block')
}

const yearMs = 31_536_000_000
const yearNs = BigInt(yearMs) * 1_000_000n

/** As a machine has written it whose clock was a year ahead. */
const inTheFuture = (block: Values['Block']): Values['Block'] => ({
  ...block,
  sequenceNumber: block.sequenceNumber + yearNs,
  affinityClaimTime: new Date(Date.now() + yearMs).toISOString(),
  sequenceNumberForAllocation: Object.fromEntries(
    Object.entries(block.sequenceNumberForAllocation).map(([o, n]) => [o, n + yearNs]),
  ),
})

/** Until nothing more fits. */
const fill = (file: string): void => {
  for (const bytes of [100_000, 4096, 512]) {
    try {
      for (;;) writeFileSync(file, Buffer.alloc(bytes), { flag: 'a' })
    } catch {
      // As full as can be with pieces of this size.
    }
  }
}

test('a full disk: refused in words, nothing half written, and well again with room', async () => {
  expect(await add('before')).toMatchObject({ tag: 'Done' })
  const filler = join(disk.outside, 'filler')
  fill(filler)
  const tried = ['a', 'b', 'c', 'd']
  const answers = await Promise.all(tried.map((one) => add(one)))
  expect(answers.filter(({ tag }) => tag === 'Broken')).toEqual([])
  expect(answers.some(({ tag }) => tag === 'Refused')).toBe(true)
  const away = await del('before')
  expect(['Done', 'Refused']).toContain(away.tag)
  rmSync(filler)
  for (const one of ['before', ...tried]) expect(await del(one)).toEqual(deleted)
  expect(await add('after')).toMatchObject({ tag: 'Done' })
  await soundStore()
})

describe('file descriptors', () => {
  test('too few of them: nothing half written', async () => {
    expect(await add('before')).toMatchObject({ tag: 'Done' })
    const limits = [3, 4, 6, 8, 10, 12, 14, 16, 20]
    for (const limit of limits) {
      const through = ['sh', '-c', `ulimit -n ${limit}; exec "$@"`, 'sh']
      const called = await add(`with-${limit}`, { through })
      // Below what the runtime itself needs to start there is nobody to print an error.
      if (limit >= 16) expect(['Done', 'Refused'], JSON.stringify(called)).toContain(called.tag)
    }
    for (const limit of limits) expect(await del(`with-${limit}`)).toEqual(deleted)
    await soundStore()
  })
})

test('a directory for the lock that cannot be written: the work goes on without it', async () => {
  const locks = join(disk.inside, 'locks')
  await disk.run('mkdir', locks)
  await disk.run('mount', '-t', 'tmpfs', '-o', 'ro', 'tmpfs', locks)
  const over = { ipam_lock_file: join(locks, 'deeper', 'ipam.lock') }
  const ids = ['a', 'b', 'c', 'd', 'e', 'f']
  const answers = await Promise.all(ids.map((one) => add(one, { over })))
  expect(answers.map(({ tag }) => tag)).toEqual(ids.map(() => 'Done'))
  await soundStore()
})

/** The executable with another clock than everybody else. */
const atClock = (offset: string): Way => ({
  through: ['env', 'DONT_FAKE_MONOTONIC=1', 'faketime', '-f', offset],
})

test('a clock that was a year ahead is set back, and then too far: nothing stops, nothing goes back', async () => {
  for (const one of ['a', 'b']) {
    expect(await add(one, atClock('+400d'))).toMatchObject({ tag: 'Done' })
  }
  const first = await soundStore()
  expect(Date.parse(first.affinityClaimTime ?? '')).toBeGreaterThan(Date.now() + yearMs)
  expect(await del('a')).toEqual(deleted)
  const clocks = ['+0', '-400d', '+1d', '-1d', '+400d', '-3650d']
  const all = await Promise.all(clocks.map((clock, n) => add(`c${n}`, atClock(clock))))
  expect(all.map(({ tag }) => tag)).toEqual(clocks.map(() => 'Done'))
  expect(await add('a')).toMatchObject({ tag: 'Done' })
  const last = await soundStore()
  // A release and seven allocations: each of them one step, whatever its clock said.
  expect(last.sequenceNumber).toBe(first.sequenceNumber + 8n)
  expect(last.affinityClaimTime).toBe(first.affinityClaimTime)
})

test('stamps of the future: neither do they go back, nor do they stop anybody', async () => {
  for (const one of ['a', 'b']) expect(await add(one)).toMatchObject({ tag: 'Done' })
  const file = join(directory.path, 'copy')
  await disk.run('cp', '-a', disk.inside, file)
  const datastore = await openLocal(file)
  const { key, value, revision } = await blockIn(datastore)
  const later = inTheFuture(value)
  const write: Write = { op: 'update', key, value: later, revision }
  expect(await datastore.commit([write])()).toMatchObject({ _tag: 'Right' })
  await datastore.close()
  await disk.run('sh', '-c', `rm -f ${disk.inside}/*.sqlite* && cp -a ${file}/. ${disk.inside}`)
  rmSync(file, { recursive: true })
  expect(await add('c')).toMatchObject({ tag: 'Done' })
  expect(await del('a')).toEqual(deleted)
  expect(await add('a')).toMatchObject({ tag: 'Done' })
  const after = await soundStore()
  expect(after.sequenceNumber).toBe(later.sequenceNumber + 3n)
})
