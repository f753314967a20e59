/** Many processes meet a file that nobody has prepared yet. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const source = fileURLToPath(new URL('../src/index.ts', import.meta.url))
const program = `
const { openLocalDatastore } = await import(${JSON.stringify(source)})
const [file, at] = process.argv.slice(1)
await new Promise((resolve) => setTimeout(resolve, Number(at) - Date.now()))
const datastore = await openLocalDatastore({ file })
const key = { kind: 'Handle', id: 'h' + process.pid }
const done = await datastore.commit([{ op: 'create', key, value: { id: key.id, blocks: {} } }])()
await datastore.close()
process.exit(done._tag === 'Right' ? 0 : 1)
`

/** What it says on its way out, if it fails. */
const openAt = (file: string, at: number): Promise<string> =>
  new Promise((resolve) => {
    const args = ['--conditions=hc-calico-source', '--input-type=module', '-e', program]
    const child = spawn(process.execPath, [...args, file, String(at)], { stdio: 'pipe' })
    let errors = ''
    child.stderr.on('data', (data) => {
      errors += data
    })
    child.on('close', (code) => resolve(code === 0 ? '' : `${code}: ${errors}`))
  })

test('each of them opens it and writes', async () => {
  for (let round = 0; round < 4; round += 1) {
    const folder = mkdtempSync(join(tmpdir(), 'hc-first-open-'))
    try {
      // As close together as can be: when all of them are there.
      const at = Date.now() + 2500
      const file = join(folder, 'datastore.sqlite')
      const all = await Promise.all(Array.from({ length: 8 }, () => openAt(file, at)))
      expect(all.filter((words) => words !== '')).toEqual([])
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
}, 60_000)
