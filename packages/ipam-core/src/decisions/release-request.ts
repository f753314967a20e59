/** What releaseIPs was asked for, parsed: one request per address, the last one counts. */
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js'
import { type Refusal, refuse } from '../errors.ts'
import { formatIPAddress, type IPAddress, parseIPAddress } from '../ip/address.ts'
import { type CIDR, parseCIDRMasked } from '../ip/cidr.ts'
import type { ReleaseOptions } from '../ipam.ts'
import { sanitizedHandleID } from '../model/handle-id.ts'

export interface ReleaseRequest {
  readonly address: IPAddress
  /** Canonical text of the address. */
  readonly text: string
  /** Never empty. */
  readonly handleID?: string
  readonly sequenceNumber?: bigint
  readonly hint?: CIDR
}

const parseOne = (options: ReleaseOptions): Either<Refusal, ReleaseRequest> => {
  if (options.address === '') return left(refuse('InvalidRequest', 'a release needs an address'))
  const address = parseIPAddress(options.address)
  if (isLeft(address)) return left(refuse('InvalidRequest', address.left.message))
  const handleID = sanitizedHandleID(options.handle ?? '')
  const { sequenceNumber } = options
  const hint = parseCIDRMasked(options.blockHint ?? '')
  return right({
    address: address.right,
    text: formatIPAddress(address.right),
    ...(handleID === '' ? {} : { handleID }),
    ...(sequenceNumber === undefined ? {} : { sequenceNumber }),
    ...(isLeft(hint) ? {} : { hint: hint.right }),
  })
}

export const parseReleaseOptions = (
  options: ReadonlyArray<ReleaseOptions>,
): Either<Refusal, ReadonlyArray<ReleaseRequest>> => {
  const requests = new Map<string, ReleaseRequest>()
  for (const one of options) {
    const request = parseOne(one)
    if (isLeft(request)) return request
    requests.set(request.right.text, request.right)
  }
  return right([...requests.values()])
}
