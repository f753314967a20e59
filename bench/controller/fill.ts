/**
 * Puts objects into an API server's etcd at once, as that server would have stored them: 230,000 by
 * its API would take longer than everything that is measured here. The server reads them like any.
 */
import type { StoredObject } from './cluster-data.ts'

/** Puts in one transaction: etcd's own limit is 128. */
const batchSize = 100
const parallel = 4

const encoded = (text: string): string => Buffer.from(text).toString('base64')

const putAll = async (endpoint: string, objects: ReadonlyArray<StoredObject>): Promise<void> => {
  const success = objects.map(({ key, text }) => ({
    request_put: { key: encoded(key), value: encoded(text) },
  }))
  const response = await fetch(`${endpoint}/v3/kv/txn`, {
    method: 'POST',
    body: JSON.stringify({ success }),
  })
  if (!response.ok) throw new Error(`etcd: ${response.status} ${await response.text()}`)
  await response.arrayBuffer()
}

/** Resolves to how many there were. */
export const fill = async (endpoint: string, objects: Iterator<StoredObject>): Promise<number> => {
  let count = 0
  const work = async (): Promise<void> => {
    for (;;) {
      const batch: StoredObject[] = []
      while (batch.length < batchSize) {
        const next = objects.next()
        if (next.done === true) break
        batch.push(next.value)
      }
      if (batch.length === 0) return
      count += batch.length
      await putAll(endpoint, batch)
    }
  }
  await Promise.all(Array.from({ length: parallel }, work))
  return count
}
