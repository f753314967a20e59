/**
 * A process that lives for one call: takes an address through ./lean and prints it. Options come as
 * JSON in the first argument, the handle in the second.
 */
import { createLeanEtcdDatastore } from '@hc-calico/datastore-etcd/lean'
import { createIPAM } from '@hc-calico/ipam-core'

const [options = '{}', handleID = ''] = process.argv.slice(2)
const datastore = createLeanEtcdDatastore(JSON.parse(options))
const ipam = createIPAM({ datastore })
try {
  const request = { host: 'node-1', num4: 1, handleID, intendedUse: 'Workload' } as const
  const { v4 } = await ipam.autoAssign(request)
  process.stdout.write(`${v4?.ips[0]}\n`)
} catch (error) {
  process.stdout.write(`${(error as Error).message}\n`)
  process.exitCode = 1
} finally {
  await datastore.close()
}
