/**
 * IPPool: the rules Calico's own clients check, as CEL, so that they hold for every writer. Each
 * rule is a fact about pools with its reason in the message; `cidr()` needs Kubernetes 1.31.
 */
import {
  array,
  boolean,
  conditions,
  integer,
  object,
  type Rule,
  type Schema,
  string,
  validated,
  words,
} from './schema.ts'

const selectorLengthMax = 1024

const immutable = validated({
  rule: 'self == oldSelf',
  message: 'cannot be changed: addresses are allocated by it; migrate to a new pool instead',
  reason: 'FieldValueInvalid',
})

/** CEL: the mode is given and tunnels. */
const tunnels = (mode: string): string => `(has(self.${mode}) && self.${mode} != 'Never')`
const hasUse = (use: string): string => `(has(self.allowedUses) && '${use}' in self.allowedUses)`
const given = (selector: string): string => `(has(self.${selector}) && self.${selector} != '')`
const family = 'cidr(self.cidr).ip().family()'
const blockSize = `(has(self.blockSize) && self.blockSize != 0 ? self.blockSize : (${family} == 4 ? 26 : 122))`

const forbidden = (rule: string, message: string): Rule => ({
  rule,
  message,
  reason: 'FieldValueForbidden',
})
const invalid = (rule: string, message: string): Rule => ({
  rule,
  message,
  reason: 'FieldValueInvalid',
})

const noOverlap = (range: string): string => {
  const [address] = range.split('/')
  const inside = `cidr('${range}').containsIP(cidr(self.cidr).ip())`
  return `!${inside} && !cidr(self.cidr).containsIP('${address}')`
}

const rules: ReadonlyArray<Rule> = [
  forbidden(
    `!(${tunnels('ipipMode')} && ${tunnels('vxlanMode')})`,
    'ipipMode and vxlanMode cannot both be on',
  ),
  forbidden(`!(${family} == 6 && ${tunnels('ipipMode')})`, 'IPIP carries IPv4 only'),
  forbidden(
    `!(${hasUse('LoadBalancer')} && (${tunnels('ipipMode')} || ${tunnels('vxlanMode')}))`,
    'a LoadBalancer pool cannot be encapsulated',
  ),
  forbidden(
    `!(${hasUse('LoadBalancer')} && (${hasUse('Workload')} || ${hasUse('Tunnel')}))`,
    'LoadBalancer cannot be combined with other uses',
  ),
  forbidden(
    `!(${hasUse('LoadBalancer')} && has(self.disableBGPExport) && self.disableBGPExport)`,
    'a LoadBalancer pool must be exported over BGP',
  ),
  invalid(
    `!${hasUse('LoadBalancer')} || !has(self.nodeSelector) || self.nodeSelector == 'all()'`,
    'a LoadBalancer pool must have the nodeSelector all()',
  ),
  forbidden(
    `!(${hasUse('Tunnel')} && ${given('namespaceSelector')})`,
    'a pool for tunnels belongs to no namespace',
  ),
  ...['nodeSelector', 'namespaceSelector'].map((selector) =>
    invalid(
      `!(has(self.${selector}) && self.${selector}.contains('global('))`,
      `global() is not valid in a ${selector}`,
    ),
  ),
  invalid('cidr(self.cidr) == cidr(self.cidr).masked()', 'the host bits of cidr must be zero'),
  invalid(noOverlap('169.254.0.0/16'), 'cidr overlaps the IPv4 link-local range 169.254.0.0/16'),
  invalid(noOverlap('fe80::/10'), 'cidr overlaps the IPv6 link-local range fe80::/10'),
  invalid(
    `${family} == 4 ? (${blockSize} >= 20 && ${blockSize} <= 32) : (${blockSize} >= 116 && ${blockSize} <= 128)`,
    'blockSize must be 20 to 32 for IPv4 and 116 to 128 for IPv6',
  ),
  invalid(
    `(has(self.disabled) && self.disabled) || cidr(self.cidr).prefixLength() <= ${blockSize}`,
    'the pool is smaller than one block; disable it or choose a larger blockSize',
  ),
]

const encapsulation = (protocol: string): Schema =>
  words(
    `When packets to pods of this pool travel in ${protocol}.`,
    'Never',
    'Always',
    'CrossSubnet',
  )

export const ipPoolSpec: Schema = object({
  description: 'A range of addresses and what they are given to.',
  properties: {
    cidr: string('The range.', { format: 'cidr', maxLength: 48, ...immutable }),
    vxlanMode: encapsulation('VXLAN'),
    ipipMode: encapsulation('IPIP; IPv4 only'),
    natOutgoing: boolean(
      'Packets that leave the pools of the cluster take the address of the node.',
    ),
    disabled: boolean('No new address is given out.'),
    disableBGPExport: boolean('Routes of this pool are not exported over BGP.'),
    blockSize: integer('Prefix length of the blocks that nodes own; 26 for IPv4, 122 for IPv6.', {
      minimum: 0,
      maximum: 128,
      ...immutable,
    }),
    nodeSelector: string('Nodes that may take addresses.', {
      default: 'all()',
      maxLength: selectorLengthMax,
    }),
    namespaceSelector: string('Namespaces whose pods may take addresses; all when absent.', {
      maxLength: selectorLengthMax,
    }),
    allowedUses: array(
      'What the addresses are for; Workload and Tunnel when empty.',
      words('One use.', 'Workload', 'Tunnel', 'LoadBalancer'),
      { maxItems: 10, 'x-kubernetes-list-type': 'set' },
    ),
    assignmentMode: {
      ...words('Manual: only requests that name the pool use it.', 'Automatic', 'Manual'),
      default: 'Automatic',
    },
  },
  required: ['cidr'],
  rules,
})

export const ipPoolStatus: Schema = object({
  description: 'What controllers say about the pool.',
  properties: { conditions },
})
