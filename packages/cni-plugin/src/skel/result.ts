/**
 * A successful result. Inside it always has the newest form (1.1.0); it is converted when it is
 * printed, and a `prevResult` of any version is converted to it when it is read
 * (previous-result.ts). Shapes: CNI specification, section 5, and its older versions.
 */
import { isAtLeast, type SpecVersion } from './spec-version.ts'

export interface ResultInterface {
  readonly name: string
  readonly mac?: string
  readonly mtu?: number
  /** Path of the network namespace; absent on the host. */
  readonly sandbox?: string
}

export interface ResultIP {
  /** Index into `interfaces`. */
  readonly interface?: number
  /** CIDR text. */
  readonly address: string
  readonly gateway?: string
}

export interface ResultRoute {
  /** CIDR text. */
  readonly dst: string
  readonly gw?: string
  readonly mtu?: number
  readonly advmss?: number
  readonly priority?: number
  readonly table?: number
  readonly scope?: number
}

export interface ResultDNS {
  readonly nameservers?: ReadonlyArray<string>
  readonly domain?: string
  readonly search?: ReadonlyArray<string>
  readonly options?: ReadonlyArray<string>
}

export interface Result {
  readonly interfaces: ReadonlyArray<ResultInterface>
  readonly ips: ReadonlyArray<ResultIP>
  readonly routes: ReadonlyArray<ResultRoute>
  readonly dns: ResultDNS
}

export const emptyResult: Result = { interfaces: [], ips: [], routes: [], dns: {} }

export const isIPv6Text = (address: string): boolean => address.includes(':')

/** Leaves out fields that are absent, so that JSON has only what is meant. */
const present = <T extends object>(fields: T): T =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T

const listOrNothing = <T>(list: ReadonlyArray<T>): ReadonlyArray<T> | undefined =>
  list.length === 0 ? undefined : list

/** 0.1.0 and 0.2.0: at most one address per family, with the routes of that family. */
const oldFamily = (result: Result, wantIPv6: boolean) => {
  const ip = result.ips.find((one) => isIPv6Text(one.address) === wantIPv6)
  if (ip === undefined) return undefined
  const routes = result.routes
    .filter((route) => isIPv6Text(route.dst) === wantIPv6)
    .map(({ dst, gw }) => present({ dst, gw }))
  return present({ ip: ip.address, gateway: ip.gateway, routes: listOrNothing(routes) })
}

const oldDocument = (result: Result, cniVersion: SpecVersion) =>
  present({
    cniVersion,
    ip4: oldFamily(result, false),
    ip6: oldFamily(result, true),
    dns: result.dns,
  })

const interfaceFor = (version: SpecVersion, one: ResultInterface) => {
  const { name, mac, mtu, sandbox } = one
  // Official for 1.1.0; libcni's own types print it from 1.0.0 on, and so do we.
  const withMTU = isAtLeast(version, '1.0.0') ? mtu : undefined
  return present({ name, mac, mtu: withMTU, sandbox })
}

const ipFor = (version: SpecVersion, ip: ResultIP) => {
  const { address, gateway } = ip
  const family = isIPv6Text(address) ? '6' : '4'
  return present({
    version: isAtLeast(version, '1.0.0') ? undefined : family,
    interface: ip.interface,
    address,
    gateway,
  })
}

const routeFor = (version: SpecVersion, route: ResultRoute) => {
  const { dst, gw } = route
  return isAtLeast(version, '1.1.0') ? present({ ...route }) : present({ dst, gw })
}

/** The document to print for a configuration of this version. */
export const resultDocument = (result: Result, version: SpecVersion): object => {
  if (!isAtLeast(version, '0.3.0')) return oldDocument(result, version)
  return present({
    cniVersion: version,
    interfaces: listOrNothing(result.interfaces.map((one) => interfaceFor(version, one))),
    ips: listOrNothing(result.ips.map((ip) => ipFor(version, ip))),
    routes: listOrNothing(result.routes.map((route) => routeFor(version, route))),
    dns: result.dns,
  })
}
