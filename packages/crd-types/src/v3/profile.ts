/**
 * Profile: created once per network where no policy type is set, never updated. The plain value
 * says who may come in; a profile whose rules say more than that keeps its rules as they are.
 */
import { right } from 'fp-ts/lib/Either.js'
import { type NoFields, type Open, openObject } from '../codecs/open-object.ts'
import { anything, isRecord, stringMap } from '../codecs/primitives.ts'
import { present, type ResourceRules } from '../documents/resource.ts'
import { stringifyJSON } from '../json.ts'
import type { Profile } from '../model.ts'

const optional = { ingress: anything, egress: anything, labelsToApply: stringMap }
type Spec = Open<NoFields, typeof optional>

/** A rule that allows; Go writes both ends of a rule even when they are empty. */
const allow = (selector: string | undefined): object => ({
  action: 'Allow',
  source: selector === undefined ? {} : { selector },
  destination: {},
})

/** The selector of the first rule that allows and has one. */
const selectorIn = (rules: unknown): string | undefined => {
  const first = Array.isArray(rules) ? (rules[0] as unknown) : undefined
  const source = isRecord(first) && first.action === 'Allow' ? first.source : undefined
  const selector = isRecord(source) ? source.selector : undefined
  return typeof selector === 'string' && selector !== '' ? selector : undefined
}

const same = (found: unknown, ours: unknown): boolean =>
  found !== undefined && stringifyJSON(found) === stringifyJSON(ours)

export const profile: ResourceRules<Profile, Spec> = {
  kind: 'Profile',
  spec: openObject({ required: {}, optional, order: ['ingress', 'egress', 'labelsToApply'] }),
  read: ({ ingress, egress, labelsToApply = {} }, { name }, leftOver) => {
    const ingressFrom = selectorIn(ingress)
    const value: Profile = { name, labelsToApply, ...present('ingressFrom', ingressFrom) }
    if (same(ingress, [allow(ingressFrom)]) && same(egress, [allow(undefined)])) {
      return right({ value, leftOver })
    }
    // Null stands for rules that are absent, so that writing does not put ours in their place.
    const rules = { ingress: ingress ?? null, egress: egress ?? null }
    return right({ value, leftOver: { ...leftOver, spec: { ...leftOver.spec, ...rules } } })
  },
  write: ({ labelsToApply, ingressFrom }, { spec }) => {
    const keep = 'ingress' in spec && selectorIn(spec.ingress) === ingressFrom
    return {
      spec: {
        ...(keep ? {} : { ingress: [allow(ingressFrom)], egress: [allow(undefined)] }),
        ...(Object.keys(labelsToApply).length === 0 ? {} : { labelsToApply }),
      },
    }
  },
}
