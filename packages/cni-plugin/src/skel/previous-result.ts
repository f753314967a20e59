/**
 * Reads a result somebody else printed, in any version of the specification: the `prevResult` of a
 * configuration, or what a delegated plugin answered. A runtime may convert it between versions on
 * the way, so the version stated inside decides, not the configuration's.
 */

import { isLeft } from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { isAddressText, isCIDRText } from './address-text.ts'
import { CNIFailure, cniErrorCode } from './cni-error.ts'
import {
  anyObject,
  fields,
  fieldsWith,
  listOf,
  sentences,
  text,
  textThat,
  wholeNumber,
  withoutNulls,
} from './codecs.ts'
import { interfaceNameProblem, quoted } from './command-args.ts'
import type { Result, ResultDNS, ResultInterface, ResultIP, ResultRoute } from './result.ts'
import { isAtLeast, isSupportedVersion, type SpecVersion } from './spec-version.ts'

const listLengthMax = 1024

const address = textThat('an IP address', (value) => value === '' || isAddressText(value))
const cidr = textThat('an address with a prefix length, such as 10.0.0.1/26', isCIDRText)
const interfaceName = textThat(
  'an interface name',
  (value) => interfaceNameProblem(value) === undefined,
)
const mac = textThat('a hardware address, such as 0a:58:0a:00:00:01', (value) =>
  /^([0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5})?$/.test(value),
)
const nonNegative = wholeNumber(0, 0xffff_ffff)
const bounded = <A>(item: t.Type<A, A, unknown>) =>
  t.refinement(
    listOf(item),
    (list) => list.length <= listLengthMax,
    `a list of at most ${listLengthMax}`,
  ) as t.Type<A[], A[], unknown>

const dns = fields({
  nameservers: bounded(text),
  domain: text,
  search: bounded(text),
  options: bounded(text),
})

const route = fieldsWith(
  { dst: cidr },
  {
    gw: address,
    mtu: nonNegative,
    advmss: nonNegative,
    priority: nonNegative,
    table: nonNegative,
    scope: nonNegative,
  },
)
const networkInterface = fieldsWith(
  { name: interfaceName },
  { mac, mtu: nonNegative, sandbox: text },
)
const ip = fieldsWith({ address: cidr }, { interface: nonNegative, gateway: address })

const current = fields({
  interfaces: bounded(networkInterface),
  ips: bounded(ip),
  routes: bounded(route),
  dns,
})
const oldFamily = fieldsWith({ ip: cidr }, { gateway: address, routes: bounded(route) })
const old = fields({ ip4: oldFamily, ip6: oldFamily, dns })

const fail = (code: number, document: string, problems: ReadonlyArray<string>): CNIFailure =>
  new CNIFailure(code, `invalid ${document}: ${problems.join('; ')}`)

/** These fields of the value; undefined and empty text alike mean "not there". */
const pick = <T extends object>(value: object, names: ReadonlyArray<keyof T & string>): T =>
  Object.fromEntries(
    Object.entries(value).filter(
      ([name, v]) => (names as ReadonlyArray<string>).includes(name) && v !== undefined && v !== '',
    ),
  ) as unknown as T

const asIP = (value: object) => pick<ResultIP>(value, ['interface', 'address', 'gateway'])
const asInterface = (value: object) =>
  pick<ResultInterface>(value, ['name', 'mac', 'mtu', 'sandbox'])
const asRoute = (value: object) =>
  pick<ResultRoute>(value, ['dst', 'gw', 'mtu', 'advmss', 'priority', 'table', 'scope'])
const asDNS = (value: object) =>
  pick<ResultDNS>(value, ['nameservers', 'domain', 'search', 'options'])

const fromOld = (value: t.TypeOf<typeof old>): Result => {
  const families = [value.ip4, value.ip6].filter((family) => family !== undefined)
  return {
    interfaces: [],
    ips: families.map((one) => asIP({ address: one.ip, gateway: one.gateway })),
    routes: families.flatMap((one) => (one.routes ?? []).map((r) => asRoute(r))),
    dns: asDNS(value.dns ?? {}),
  }
}

const fromCurrent = (value: t.TypeOf<typeof current>, document: string): Result => {
  const interfaces = (value.interfaces ?? []).map((one) => asInterface(one))
  const ips = (value.ips ?? []).map((one) => asIP(one))
  const astray = ips.find((one) => one.interface !== undefined && !interfaces[one.interface])
  if (astray !== undefined) {
    throw fail(cniErrorCode.decodingFailure, document, [
      `the address ${astray.address} names interface ${astray.interface}, but there are ${interfaces.length} interfaces`,
    ])
  }
  return {
    interfaces,
    ips,
    routes: (value.routes ?? []).map((one) => asRoute(one)),
    dns: asDNS(value.dns ?? {}),
  }
}

const versionOf = (stated: unknown, otherwise: SpecVersion, document: string): SpecVersion => {
  if (stated === undefined || stated === '') return otherwise
  if (typeof stated === 'string' && isSupportedVersion(stated)) return stated
  const shown = typeof stated === 'string' ? quoted(stated) : 'not text'
  throw fail(cniErrorCode.incompatibleVersion, document, [
    `its cniVersion ${shown} is not one this plugin knows`,
  ])
}

/**
 * Decodes a result. `otherwise` is the version of a result that states none. `document` names it in
 * messages ("prevResult", "result of host-local"). Throws code 6, or 1 for an unknown version.
 */
export const readResult = (value: unknown, otherwise: SpecVersion, document: string): Result => {
  if (!anyObject.is(value)) {
    throw fail(cniErrorCode.decodingFailure, document, [`${document} must be an object`])
  }
  const stated = withItemsCleaned(value)
  const version = versionOf(stated.cniVersion, otherwise, document)
  if (isAtLeast(version, '0.3.0')) {
    const decoded = current.decode(stated)
    if (isLeft(decoded)) throw fail(6, document, sentences(decoded.left, document))
    return fromCurrent(decoded.right, document)
  }
  const decoded = old.decode(stated)
  if (isLeft(decoded)) throw fail(6, document, sentences(decoded.left, document))
  return fromOld(decoded.right)
}

/** Nulls dropped at every level, also inside the lists of objects a result has. */
const withItemsCleaned = (value: object): Readonly<Record<string, unknown>> => {
  const cleaned = withoutNulls(value) as Record<string, unknown>
  return Object.fromEntries(
    Object.entries(cleaned).map(([key, entry]) => [
      key,
      Array.isArray(entry) ? entry.map((item) => withoutNulls(item)) : entry,
    ]),
  )
}
