/** A failure that the traffic itself reports: expected, as one of the core's own. */
import { IPAMFailure } from '@hc-calico/ipam-core'

export const simulatedFailure = (message: string): IPAMFailure =>
  new IPAMFailure({
    family: 'exhausted',
    operation: 'traffic',
    error: {
      tag: 'RetriesExhausted',
      message,
      attempts: 1,
      last: { tag: 'Conflict', message, retryable: true },
    },
  })
