/** The contract on real files, through two independent connections. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeDatastoreContract } from '@hc-calico/datastore-contract'
import { openLocalDatastore } from '@hc-calico/datastore-local'

describeDatastoreContract('local', {
  capabilities: { atomicCommit: true, watch: true },
  open: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hc-local-'))
    const file = join(folder, 'datastore.sqlite')
    const first = await openLocalDatastore({ file, watchIntervalMs: 20 })
    const second = await openLocalDatastore({ file, watchIntervalMs: 20 })
    const close = async (): Promise<void> => {
      await Promise.all([first.close(), second.close()])
      rmSync(folder, { recursive: true, force: true })
    }
    return { first, second, close }
  },
})
