/** A process that counts up one handle until it is told to stop or is killed; see processes.*.test.ts. */
import { openLocalDatastore } from '@hc-calico/datastore-local'

const [file, id, times] = process.argv.slice(2) as [string, string, string]
const key = { kind: 'Handle', id } as const
const store = await openLocalDatastore({ file })
for (let done = 0; done < Number(times); ) {
  const answer = await store.read([{ get: key }])()
  if (answer._tag === 'Left') throw new Error(answer.left.message)
  const [found] = answer.right
  const count = (found?.value.blocks['10.0.0.0/26'] ?? 0) + 1
  const value = { id, blocks: { '10.0.0.0/26': count } }
  const result = await store.commit([
    found ? { op: 'update', key, value, revision: found.revision } : { op: 'create', key, value },
  ])()
  if (result._tag === 'Left') {
    if (!result.left.error.retryable) throw new Error(result.left.error.message)
    continue
  }
  done += 1
  process.stdout.write(`${count}\n`)
}
await store.close()
