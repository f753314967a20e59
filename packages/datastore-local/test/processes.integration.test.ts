/** Many processes on one file: no update is lost, and kill -9 loses nothing that was acknowledged. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLocalDatastore } from '@hc-calico/datastore-local'
import { afterEach, beforeEach, expect, test } from 'vitest'

const writer = join(import.meta.dirname, 'writer.ts')
let folder: string
let file: string
const children = new Set<ChildProcess>()

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hc-local-'))
  file = join(folder, 'data', 'datastore.sqlite')
})
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
  rmSync(folder, { recursive: true, force: true })
})

interface Ended {
  readonly code: number | null
  readonly acknowledged: number
  readonly errors: string
}

const startWriter = (id: string, times: number): { child: ChildProcess; ended: Promise<Ended> } => {
  const args = ['--conditions=hc-calico-source', '--no-warnings', writer, file, id, String(times)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  children.add(child)
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code) => {
      children.delete(child)
      const lines = output.split('\n').slice(0, -1)
      resolve({ code, acknowledged: Number(lines.at(-1) ?? 0), errors })
    })
  })
  return { child, ended }
}

const countOf = async (id: string): Promise<number> => {
  const store = await openLocalDatastore({ file })
  const answer = await store.read([{ get: { kind: 'Handle', id } }])()
  await store.close()
  if (answer._tag === 'Left') throw new Error(answer.left.message)
  return answer.right[0]?.value.blocks['10.0.0.0/26'] ?? 0
}

test('six processes counting on one object lose no update', async () => {
  const writers = Array.from({ length: 6 }, () => startWriter('shared-count', 50))
  for (const { ended } of writers) expect(await ended).toMatchObject({ code: 0, errors: '' })
  expect(await countOf('shared-count')).toBe(300)
})

test('killed with -9 at any moment, what was acknowledged is there and the file is sound', async () => {
  for (let round = 0; round < 8; round += 1) {
    const { child, ended } = startWriter('killed', 1_000_000)
    await new Promise((resolve) => child.stdout?.once('data', resolve))
    await new Promise((resolve) => setTimeout(resolve, 7 * round))
    child.kill('SIGKILL')
    const { acknowledged } = await ended
    const stored = await countOf('killed')
    expect(acknowledged).toBeGreaterThan(0)
    expect(stored).toBeGreaterThanOrEqual(acknowledged)
    expect(stored).toBeLessThanOrEqual(acknowledged + 1)
  }
})

test('the file and its folder are for their owner only', async () => {
  await countOf('nothing')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(statSync(join(folder, 'data')).mode & 0o777).toBe(0o700)
})
