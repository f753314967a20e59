/** The shape of addresses, against the runtime's own check. */
import { isIP } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isAddressText, isCIDRText } from '../../src/skel/address-text.ts'

const expected = (text: string): boolean => isIP(text) !== 0 && !text.includes('%')

describe('addresses', () => {
  test.each([
    ...['', '.', ':', '::', ':::', '::1', '1::', '1::1::1', '::1:', ':1::', '1:2:3:4:5:6:7:8'],
    ...[
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '1:2:3:4:5:6:7::',
      '::2:3:4:5:6:7:8',
      '1::3:4:5:6:7:8',
    ],
    ...['1:2:3:4::5:6:7:8', '::ffff:10.0.0.1', '1:2:3:4:5:6:10.0.0.1', '1:2:3:4:5:6:7:10.0.0.1'],
    ...['10.0.0.1::', '::10.0.0.1:1', '::10.0.0', '::010.0.0.1', 'fe80::1%eth0', 'g::', '12345::'],
    ...[
      '10.0.0.1',
      '010.0.0.1',
      '10.0.0',
      '10.0.0.0.1',
      '256.0.0.1',
      '10.0.0.1 ',
      ' ::1',
      '1e1.0.0.1',
    ],
    ...['10.0.0.-1', '0x10.0.0.1', '0.0.0.0', '255.255.255.255', 'FD00::A'],
  ])('%j as the runtime sees it', (text) => {
    expect(isAddressText(text)).toBe(expected(text))
  })

  test('whatever is made of their characters', () => {
    const unit = fc.constantFrom(...'0123456789af.:', '::', '.0', ':0', '%')
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 24 }), (text) => {
        expect(isAddressText(text)).toBe(expected(text))
      }),
      { numRuns: 5000 },
    )
  })

  test('every address the runtime makes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        expect(isAddressText(text)).toBe(true)
      }),
    )
  })
})

test.each([
  ['10.0.0.0/8', true],
  ['10.0.0.0/0', true],
  ['10.0.0.0/33', false],
  ['10.0.0.0/08', false],
  ['10.0.0.0', false],
  ['10.0.0.0/8/8', false],
  ['fd00::/128', true],
  ['fd00::/129', false],
  ['fd00::/', false],
])('%s is a CIDR: %s', (text, is) => {
  expect(isCIDRText(text)).toBe(is)
})
