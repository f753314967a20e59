/**
 * Calico's label selectors: which nodes and namespaces a pool serves. A selector is parsed once
 * (selector-parser.ts) and may then be asked about many label sets; whoever needs that keeps the
 * parsed value, nothing is cached here.
 *
 * A missing label fails every comparison except `!=` and `not in`, which it satisfies.
 */

export type Labels = Readonly<Record<string, string>>

export type Selector =
  | { readonly tag: 'All' }
  | { readonly tag: 'Has'; readonly label: string }
  | { readonly tag: 'Equals' | 'NotEquals'; readonly label: string; readonly value: string }
  | {
      readonly tag: 'Contains' | 'StartsWith' | 'EndsWith'
      readonly label: string
      readonly value: string
    }
  | {
      readonly tag: 'In' | 'NotIn'
      readonly label: string
      readonly values: ReadonlyArray<string>
    }
  | { readonly tag: 'Not'; readonly of: Selector }
  | { readonly tag: 'And' | 'Or'; readonly of: ReadonlyArray<Selector> }

export const selectsAll: Selector = { tag: 'All' }

/** Only what the set itself says: a label called `constructor` is not there unless it is. */
const ownValue = (labels: Labels, label: string): string | undefined =>
  Object.hasOwn(labels, label) ? labels[label] : undefined

/** Whether the labels satisfy the selector. */
export const selects = (selector: Selector, labels: Labels): boolean => {
  switch (selector.tag) {
    case 'All':
      return true
    case 'Has':
      return ownValue(labels, selector.label) !== undefined
    case 'Equals':
      return ownValue(labels, selector.label) === selector.value
    case 'NotEquals':
      return ownValue(labels, selector.label) !== selector.value
    case 'Contains':
      return ownValue(labels, selector.label)?.includes(selector.value) ?? false
    case 'StartsWith':
      return ownValue(labels, selector.label)?.startsWith(selector.value) ?? false
    case 'EndsWith':
      return ownValue(labels, selector.label)?.endsWith(selector.value) ?? false
    case 'In':
    case 'NotIn': {
      const value = ownValue(labels, selector.label)
      const isMember = value !== undefined && selector.values.includes(value)
      return isMember === (selector.tag === 'In')
    }
    case 'Not':
      return !selects(selector.of, labels)
    case 'And':
      return selector.of.every((one) => selects(one, labels))
    case 'Or':
      return selector.of.some((one) => selects(one, labels))
    default:
      return selector satisfies never
  }
}
