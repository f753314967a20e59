/**
 * The members of a service strictly in list order: the next one is asked only for what the ones
 * before it could not give. One request with all of them would not do: Calico's search prefers any
 * block that the node owns, whichever pool it is in.
 */
import {
  type AutoAssignRequest,
  type AutoAssignResult,
  type IPAM,
  IPAMFailure,
} from '@hc-calico/ipam-core'
import type { WantedAddresses } from './assign.ts'

type Pools = ReadonlyArray<string> | undefined

const stepsOf = (pools: Pools, isService: boolean): ReadonlyArray<Pools> =>
  isService && pools !== undefined ? pools.map((one) => [one]) : [pools]

/** What is still to be asked for, of which pools, and whether others remain after them. */
interface Step {
  readonly num: number
  readonly pools: Pools
  readonly hasNext: boolean
}

const nothing: Step = { num: 0, pools: [], hasNext: true }

const stepOf = (steps: ReadonlyArray<Pools>, n: number, num: number, got: number): Step =>
  n < steps.length && got < num ? { num, pools: steps[n], hasNext: n + 1 < steps.length } : nothing

const ask = async (
  ipam: IPAM,
  request: AutoAssignRequest,
  v4: Step,
  v6: Step,
): Promise<AutoAssignResult> => {
  try {
    return await ipam.autoAssign({
      ...request,
      num4: v4.num,
      num6: v6.num,
      ...(v4.pools === undefined ? {} : { ipv4Pools: v4.pools }),
      ...(v6.pools === undefined ? {} : { ipv6Pools: v6.pools }),
    })
  } catch (error) {
    // The limit counts the node's blocks in the pools asked for: here, in this member.
    if (!(error instanceof IPAMFailure) || error.tag !== 'BlockLimit') throw error
    const { partial = {} } = error.details as { readonly partial?: AutoAssignResult }
    // IPv4 is served first: what is said of IPv6 tells that IPv6 has met the limit.
    const isV6 = v6.num > 0 && partial.v6 !== undefined
    if (!(isV6 ? v6 : v4).hasNext) throw error
    if (!isV6) return v6.num > 0 ? ask(ipam, request, nothing, v6) : {}
    return partial.v4 === undefined ? {} : { v4: partial.v4 }
  }
}

/** As `autoAssign`; of a family whose members all came back short, the last one's result. */
export const autoAssignInListOrder = async (
  ipam: IPAM,
  { request, service }: WantedAddresses,
): Promise<AutoAssignResult> => {
  const steps4 = stepsOf(request.ipv4Pools, (service?.v4.length ?? 0) > 0)
  const steps6 = stepsOf(request.ipv6Pools, (service?.v6.length ?? 0) > 0)
  const last = Math.max(steps4.length, steps6.length) - 1
  let result: AutoAssignResult = {}
  for (let n = 0; n <= last; n += 1) {
    const v4 = stepOf(steps4, n, request.num4 ?? 0, result.v4?.ips.length ?? 0)
    const v6 = stepOf(steps6, n, request.num6 ?? 0, result.v6?.ips.length ?? 0)
    if (v4.num + v6.num === 0) break
    const more = await ask(ipam, request, v4, v6)
    result = {
      ...result,
      ...(v4.num > 0 && more.v4 !== undefined ? { v4: more.v4 } : {}),
      ...(v6.num > 0 && more.v6 !== undefined ? { v6: more.v6 } : {}),
    }
  }
  return result
}
