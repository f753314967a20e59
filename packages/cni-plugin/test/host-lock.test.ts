/** The host-wide lock with a scripted C library: waiting, giving up, going on without. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createHostLock, type HostLockParts, lockWaitMs } from '../src/host-lock.ts'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hc-lock-'))
})
afterEach(() => {
  rmSync(dir, { recursive: true })
})

/** Held by another process for the first `misses` tries; time passes only in sleeps. */
const scripted = (misses: number) => {
  const warnings: string[] = []
  const slept: number[] = []
  let now = 0
  let tries = 0
  const parts: HostLockParts = {
    libc: async () => ({
      tryLock: () => {
        tries += 1
        return tries > misses
      },
    }),
    nowMs: () => now,
    sleep: async (ms) => {
      slept.push(ms)
      now += ms
    },
    random: () => 0.5,
  }
  const notes = { debug: () => undefined, warning: (text: string) => warnings.push(text) }
  return { lock: createHostLock(notes, parts), warnings, slept, parts, notes, tries: () => tries }
}

describe('the host lock', () => {
  test('free: the work runs at once, under a file only root reads, in a directory made for it', async () => {
    const { lock, slept, warnings } = scripted(0)
    const file = join(dir, 'calico', 'run', 'ipam.lock')
    expect(await lock.run(file, async () => 'done')).toBe('done')
    expect(slept).toEqual([])
    expect(warnings).toEqual([])
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  test('held: waits a little, then longer, with a bound', async () => {
    const { lock, slept, warnings } = scripted(9)
    await lock.run(join(dir, 'l'), async () => undefined)
    expect(slept).toEqual([1, 1.5, 2.5, 4.5, 8.5, 10.5, 10.5, 10.5, 10.5])
    expect(warnings).toEqual([])
  })

  test('held for ever: the work runs without it, and that is noted', async () => {
    const { lock, slept, warnings } = scripted(Number.POSITIVE_INFINITY)
    expect(await lock.run(join(dir, 'l'), async () => 'done')).toBe('done')
    expect(slept.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(lockWaitMs + 20)
    expect(warnings).toEqual([
      `going on without the lock on ${join(dir, 'l')}: held by another process for 60000 ms`,
    ])
  })

  test.each([
    ['a directory that cannot be made', (file: string) => writeFileSync(file, ''), 'l/ipam.lock'],
    ['a directory in its place', () => undefined, '.'],
  ])('%s: the work runs without it, and that is noted', async (_, prepare, name) => {
    const { lock, warnings, tries } = scripted(0)
    prepare(join(dir, 'l'))
    expect(await lock.run(join(dir, name), async () => 'done')).toBe('done')
    expect(warnings).toHaveLength(1)
    expect(tries()).toBe(0)
  })

  test('a C library that cannot be opened: the work runs without it', async () => {
    const { parts, notes, warnings } = scripted(0)
    const broken = { ...parts, libc: () => Promise.reject(new Error('no library')) }
    expect(await createHostLock(notes, broken).run(join(dir, 'l'), async () => 1)).toBe(1)
    expect(warnings).toEqual([`going on without the lock on ${join(dir, 'l')}: no library`])
  })

  test('the failure of the work is its own', async () => {
    const { lock, warnings } = scripted(0)
    const failing = lock.run(join(dir, 'l'), () => Promise.reject(new Error('the work failed')))
    await expect(failing).rejects.toThrow('the work failed')
    expect(warnings).toEqual([])
  })
})
