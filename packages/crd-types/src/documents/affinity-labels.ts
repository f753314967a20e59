/**
 * The labels Calico puts on a BlockAffinity to list by host, type and family. The host is hashed,
 * because a label value is too short for a host name. Affinities without these labels (written by
 * Calico up to v3.30) are invisible to such lists until they are written again.
 */
import { hostnameHash } from '../hostname-hash.ts'
import type { BlockAffinity, StringMap } from '../model.ts'

export const hostnameHashLabel = 'projectcalico.org/hostname-hash'
export const affinityTypeLabel = 'projectcalico.org/affinity-type'
export const ipVersionLabel = 'projectcalico.org/ip-version'

export const affinityLabels = (
  affinity: Pick<BlockAffinity, 'host' | 'type' | 'cidr'>,
): StringMap => ({
  [affinityTypeLabel]: affinity.type,
  [hostnameHashLabel]: hostnameHash(affinity.host),
  [ipVersionLabel]: affinity.cidr.includes(':') ? '6' : '4',
})

export const isAffinityLabel = (key: string): boolean =>
  key === hostnameHashLabel || key === affinityTypeLabel || key === ipVersionLabel
