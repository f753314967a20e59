import { expect, test } from 'vitest'
import { fixedHandleID as ofThePlugin } from '../../cni-plugin/src/fixed-identity.ts'
import { fixedHandleID } from '../src/fixed/fixed-handle.ts'

test.each([
  ['default', 'web-0'],
  ['a'.repeat(63), `${'b'.repeat(200)}-12`],
  ['a'.repeat(63), 'b'.repeat(180)],
])('the plugin and the controller name the handle of %s/%s alike', (namespace, pod) => {
  expect(fixedHandleID(namespace, pod)).toBe(ofThePlugin(namespace, pod))
})
