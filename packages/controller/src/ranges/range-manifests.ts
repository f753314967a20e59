/**
 * Pools and a reservation for address ranges, as objects to apply: what an operator would otherwise
 * work out by hand. The arithmetic is `planRanges` of ipam-core.
 */
import { planRanges } from '@hc-calico/ipam-core/ip'

export interface RangeManifestRequest {
  /** Of the pools (`NAME`, or `NAME-1`, `NAME-2`, ... where there are several) and the reservation. */
  readonly name: string
  /** `FIRST-LAST`, a CIDR, or one address; all of one family. */
  readonly ranges: ReadonlyArray<string>
  /** The same forms. */
  readonly excludes: ReadonlyArray<string>
  /** Default: Calico's, 26 or 122. */
  readonly blockSize?: number
  readonly apiVersion: 'projectcalico.org/v3' | 'crd.projectcalico.org/v1'
  /** `Manual`: only for those who ask for the pools by name. */
  readonly assignmentMode: 'Manual' | 'Automatic'
}

interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly spec: object
}

/** For `kubectl apply -f` and `calicoctl apply -f`. */
export interface ManifestList {
  readonly apiVersion: 'v1'
  readonly kind: 'List'
  readonly items: ReadonlyArray<Manifest>
}

export interface RangeManifests {
  readonly list: ManifestList
  /** Addresses that can be given out. */
  readonly addresses: bigint
}

const nameForm = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/

const defaultBlockSize = (range: string): number => (range.includes(':') ? 122 : 26)

/** The objects, or one sentence that says what is wrong. */
export const rangeManifests = (request: RangeManifestRequest): RangeManifests | string => {
  const { name, ranges, excludes, apiVersion, assignmentMode } = request
  const [first] = ranges
  if (first === undefined) return 'no range is given: write FIRST-LAST, a CIDR, or one address'
  if (!nameForm.test(name) || name.length > 240) {
    return `"${name}" is not the name of a pool: use small letters, digits, "-" and "."`
  }
  const blockSize = request.blockSize ?? defaultBlockSize(first)
  const plan = planRanges({ ranges, excludes, blockSize })
  if (plan._tag === 'Left') return plan.left.message
  const { pools, reservedCIDRs, addresses } = plan.right
  const manifest = (kind: string, called: string, spec: object): Manifest => ({
    ...{ apiVersion, kind, metadata: { name: called } },
    spec,
  })
  const items = pools.map((cidr, n) => {
    const called = pools.length === 1 ? name : `${name}-${n + 1}`
    return manifest('IPPool', called, { cidr, blockSize, assignmentMode })
  })
  const reserved =
    reservedCIDRs.length === 0 ? [] : [manifest('IPReservation', name, { reservedCIDRs })]
  // The reservation first: no pool is there without it.
  return { list: { apiVersion: 'v1', kind: 'List', items: [...reserved, ...items] }, addresses }
}
