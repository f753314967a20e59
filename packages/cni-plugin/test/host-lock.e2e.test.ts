/** The host lock against other processes: our own and util-linux' `flock`, which upstream equals. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { architectureOf, findBun } from '../build/bun.ts'

const bun = findBun(architectureOf(process.arch)).path
const script = join(import.meta.dirname, 'lab', 'hold-lock.ts')

let directory = ''
let file = ''
const children: ChildProcess[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hc-lock-'))
  file = join(directory, 'run', 'ipam.lock')
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
})

/** A process that holds the lock until told; `said` resolves when it has printed the text. */
const holder = () => {
  const child = spawn(bun, [script, file], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const said = async (text: string): Promise<void> => {
    for (let poll = 0; poll < 500 && !output.includes(text); poll += 1) await pause(10)
    expect(output).toContain(text)
  }
  return { child, said, output: () => output, release: () => child.stdin.end() }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Whether anybody holds it. */
const isHeld = (): boolean => spawnSync('flock', ['-n', file, 'true']).status !== 0

describe('the host lock', () => {
  test('keeps others out until it is released', async () => {
    const first = holder()
    await first.said('held')
    expect(isHeld()).toBe(true)
    const second = holder()
    await pause(200)
    expect(second.output()).toBe('')
    first.release()
    await second.said('held')
    second.release()
    await second.said('released')
    expect(isHeld()).toBe(false)
  })

  test('waits for a holder of another make', async () => {
    spawnSync('mkdir', ['-p', join(directory, 'run')])
    const other = spawn('flock', [file, 'sleep', '0.4'])
    children.push(other)
    for (let poll = 0; poll < 100 && !isHeld(); poll += 1) await pause(5)
    const ours = holder()
    await pause(150)
    expect(ours.output()).toBe('')
    await ours.said('held')
    ours.release()
    await ours.said('released')
    expect(ours.output()).not.toContain('note:')
  })

  test('ends with a killed holder, and is not inherited by its children', async () => {
    const ours = holder()
    await ours.said('held')
    const descriptors = `/proc/${ours.child.pid}/fd`
    const fd = readdirSync(descriptors).find((one) => readlinkSync(join(descriptors, one)) === file)
    const info = spawnSync('cat', [`/proc/${ours.child.pid}/fdinfo/${fd}`], { encoding: 'utf8' })
    const flags = Number.parseInt(/flags:\s+(\d+)/.exec(info.stdout)?.[1] ?? '0', 8)
    expect(flags & 0o2000000).not.toBe(0)
    ours.child.kill('SIGKILL')
    for (let poll = 0; poll < 200 && isHeld(); poll += 1) await pause(5)
    expect(isHeld()).toBe(false)
  })

  test('eight at once: one at a time, all in the end', async () => {
    const all = Array.from({ length: 8 }, holder)
    for (const one of all) one.release()
    for (const one of all) await one.said('released')
    expect(all.map((one) => one.output()).join('')).not.toContain('note:')
  })
})
