/**
 * The guard in front of the runtime's first instruction, on the smallest executable at hand that
 * shows its environment: the system's `env`. Bun's own is in hostile-environment.e2e.test.ts.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { readExecutable, segmentLoad, segmentNote } from '../../build/elf.ts'
import { guardEnvironment, hiddenPrefixes } from '../../build/environment-guard.ts'

const directory = mkdtempSync(join(tmpdir(), 'hc-guard-'))
afterAll(() => rmSync(directory, { recursive: true }))

const original = new Uint8Array(readFileSync(realpathSync('/usr/bin/env')))

const apply = (prefixes?: ReadonlyArray<string>): Uint8Array => {
  const { writes } = guardEnvironment(original, prefixes)
  const end = Math.max(...writes.map(({ offset, data }) => offset + data.length))
  const whole = new Uint8Array(Math.max(end, original.length))
  whole.set(original)
  for (const { offset, data } of writes) whole.set(data, offset)
  return whole
}

const guarded = join(directory, 'env')
writeFileSync(guarded, apply())
chmodSync(guarded, 0o755)

/** A hidden variable leaves an empty line: an entry without a name. */
const seenBy = (
  file: string,
  env: Readonly<Record<string, string>>,
  args: ReadonlyArray<string> = [],
): string[] =>
  spawnSync(file, args, { env, encoding: 'utf8' })
    .stdout.split('\n')
    .filter((line) => line !== '')
    .sort()

describe('the environment guard', () => {
  test.each(hiddenPrefixes)('hides %s and what begins with it', (prefix) => {
    const env = {
      A: '1',
      [prefix]: 'bare',
      [`${prefix}X`]: 'y',
      [`${prefix}_LONGER_NAME`]: '',
      Z: '2',
    }
    expect(seenBy('/usr/bin/env', env)).toHaveLength(5)
    expect(seenBy(guarded, env)).toEqual(['A=1', 'Z=2'])
  })

  test.each([
    { BUN: '1', BUNDLE: '2', NODE: '3', NODENAME: '4', KUBERNETES_NODE_NAME: '5', UV: '6' },
    { XBUN_BE_BUN: '1', B: '', LONG: 'x'.repeat(100_000) },
    { CNI_COMMAND: 'ADD', CNI_ARGS: 'A=B;BUN_BE_BUN=1', PATH: '/bin' },
  ])('leaves everything else: %#', (env) => {
    const all = Object.entries(env).map(([name, value]) => `${name}=${value}`)
    expect(seenBy(guarded, env)).toEqual(all.sort())
  })

  test('an empty environment, and one with nothing but hidden ones', () => {
    expect(seenBy(guarded, {})).toEqual([])
    expect(seenBy(guarded, { BUN_BE_BUN: '1' })).toEqual([])
  })

  test('arguments are not touched', () => {
    const args = ['NODE_OPTIONS=x', 'BUN_BE_BUN=1']
    expect(seenBy(guarded, { BUN_X: '1', A: '1' }, args)).toEqual(['A=1', ...args.reverse()])
  })

  test('the executable gains a segment in the place of a note, its others stay', () => {
    const [before, after] = [readExecutable(original), readExecutable(apply())]
    const added = after.segments.find(
      (segment) =>
        after.entry >= segment.address && after.entry < segment.address + segment.memoryBytes,
    )
    expect(added).toMatchObject({ type: segmentLoad, flags: 5 })
    const kept = after.segments.filter((segment) => segment !== added)
    const firstNote = before.segments.findIndex((segment) => segment.type === segmentNote)
    expect(kept).toEqual(before.segments.filter((_, index) => index !== firstNote))
    const loads = after.segments.filter((segment) => segment.type === segmentLoad)
    expect(loads.map((segment) => segment.address)).toEqual(
      loads.map((segment) => segment.address).sort((a, b) => a - b),
    )
  })

  test('what cannot be guarded is refused', () => {
    expect(() => guardEnvironment(new TextEncoder().encode('#!/bin/sh'))).toThrow(/not a 64-bit/)
    expect(() => guardEnvironment(original, ['TOO_LONG_'])).toThrow(/1 to 8 bytes/)
    expect(() => guardEnvironment(original, [''])).toThrow(/1 to 8 bytes/)
    const withoutNotes = original.slice()
    const { segmentsOffset, segments } = readExecutable(original)
    segments.forEach(({ type }, index) => {
      if (type === segmentNote) withoutNotes[segmentsOffset + index * 56] = 99
    })
    expect(() => guardEnvironment(withoutNotes)).toThrow(/no note/)
    const strange = original.slice()
    strange[18] = 0x15
    expect(() => guardEnvironment(strange)).toThrow(/unknown machine 21/)
  })
})
