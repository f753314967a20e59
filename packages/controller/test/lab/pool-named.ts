/** A pool with nothing special about it, as a write that creates it. */
import type { Values, Write } from '@hc-calico/ipam-core/ports'

export const poolNamed = (
  name: string,
  cidr: string,
  more: Partial<Values['IPPool']> = {},
): Write => ({
  op: 'create',
  key: { kind: 'IPPool', name },
  value: {
    ...{ name, cidr, blockSize: cidr.includes(':') ? 126 : 30, disabled: false },
    ...{ terminating: false, allocatable: true, nodeSelector: 'all()' },
    ...{ allowedUses: ['Workload'], assignmentMode: 'Automatic', ipipMode: 'Never' },
    ...{ vxlanMode: 'Never', natOutgoing: false, disableBGPExport: false },
    ...more,
  },
})
