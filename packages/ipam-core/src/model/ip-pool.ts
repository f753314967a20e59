import type { UnknownFields } from './unknown-fields.ts'

/** What an address may be used for. Source: Calico `IPPool.spec.allowedUses`. */
export type IPPoolUse = 'Workload' | 'Tunnel' | 'LoadBalancer'

/** A Calico IPPool with its defaults filled in. */
export interface IPPool {
  readonly name: string
  /** Canonical CIDR text, host bits zero. */
  readonly cidr: string
  /** Prefix length of every block of the pool: 20..32 (IPv4), 116..128 (IPv6). */
  readonly blockSize: number
  readonly disabled: boolean
  /** The pool has a deletion timestamp: it gives nothing new. */
  readonly terminating: boolean
  /** False when status condition `Allocatable` is `False`. */
  readonly allocatable: boolean
  /** Selector over node labels; empty or `all()` matches every node. */
  readonly nodeSelector: string
  /** Selector over namespace labels; absent or empty matches every namespace. */
  readonly namespaceSelector?: string
  readonly allowedUses: ReadonlyArray<IPPoolUse>
  /** `Manual`: used only by requests that name the pool. */
  readonly assignmentMode: 'Automatic' | 'Manual'
  readonly ipipMode: 'Never' | 'Always' | 'CrossSubnet'
  readonly vxlanMode: 'Never' | 'Always' | 'CrossSubnet'
  readonly natOutgoing: boolean
  readonly disableBGPExport: boolean
  readonly unknownFields?: UnknownFields
}
