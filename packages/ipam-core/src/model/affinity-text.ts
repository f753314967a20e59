/** `host:{node}` or `virtual:{name}`: how a block names its owner, and back. */
import type { AffinityType } from './block-affinity.ts'

/** Who owns a block. */
export interface Owner {
  readonly type: AffinityType
  readonly host: string
}

export const affinityText = (owner: Owner): string => `${owner.type}:${owner.host}`

/** The owner a block's affinity names, or undefined for none and for text of any other form. */
export const ownerOf = (affinity: string | undefined): Owner | undefined => {
  if (affinity === undefined) return undefined
  const colon = affinity.indexOf(':')
  const type = affinity.slice(0, colon)
  const host = affinity.slice(colon + 1)
  return (type === 'host' || type === 'virtual') && host !== '' ? { type, host } : undefined
}
