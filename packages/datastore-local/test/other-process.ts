/** The second client of the contract, as a process of its own. */
import { serveDatastore } from '@hc-calico/datastore-contract'
import { openLocalDatastore } from '@hc-calico/datastore-local'

const [file = ''] = process.argv.slice(2)
serveDatastore(await openLocalDatastore({ file }))
