/** The contract on real files: two connections of one process, and two processes. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeDatastoreContract, openInOtherProcess } from '@hc-calico/datastore-contract'
import { openLocalDatastore } from '@hc-calico/datastore-local'
import type { Datastore } from '@hc-calico/ipam-core/ports'

const open = (file: string): Promise<Datastore> => openLocalDatastore({ file, watchIntervalMs: 20 })

const otherProcess = (file: string, first: Datastore): Promise<Datastore> =>
  openInOtherProcess(join(import.meta.dirname, 'other-process.ts'), [file], first)

const seconds = [
  ['two connections', open],
  ['two processes', otherProcess],
] as const

for (const [name, openSecond] of seconds) {
  describeDatastoreContract(`local, ${name}`, {
    capabilities: { atomicCommit: true, watch: true },
    // No network stands between a process and its file: a commit ends with its answer or its process.
    losesReplies: false,
    open: async () => {
      const folder = mkdtempSync(join(tmpdir(), 'hc-local-'))
      const file = join(folder, 'datastore.sqlite')
      const first = await open(file)
      const second = await openSecond(file, first)
      const close = async (): Promise<void> => {
        await Promise.all([first.close(), second.close()])
        rmSync(folder, { recursive: true, force: true })
      }
      return { first, second, close }
    },
  })
}
