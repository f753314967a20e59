import { expect, test } from 'vitest'
import {
  containerHandleID,
  isWindowsReserved,
  legacyPodHandleID,
  sanitizedHandleID,
  tunnelHandleID,
} from '../../src/model/handle-id.ts'

test('ids have the forms that Calico gives them', () => {
  expect(containerHandleID('k8s-pod-network', '3f0c')).toBe('k8s-pod-network.3f0c')
  expect(legacyPodHandleID('default', 'web-0')).toBe('default.web-0')
  expect(
    (['ipip', 'vxlan', 'vxlan-v6', 'wireguard', 'wireguard-v6'] as const).map((kind) =>
      tunnelHandleID(kind, 'n1'),
    ),
  ).toEqual([
    'ipip-tunnel-addr-n1',
    'vxlan-tunnel-addr-n1',
    'vxlan-v6-tunnel-addr-n1',
    'wireguard-tunnel-addr-n1',
    'wireguard-v6-tunnel-addr-n1',
  ])
})

test('an id ends at its first carriage return', () => {
  expect(sanitizedHandleID('net.abc\r\ndamage\r')).toBe('net.abc')
  expect(sanitizedHandleID('net.abc')).toBe('net.abc')
})

test('the Windows handle is known in any letter case', () => {
  expect(isWindowsReserved('Windows-Reserved-IPAM-Handle')).toBe(true)
  expect(isWindowsReserved('windows')).toBe(false)
  expect(isWindowsReserved(undefined)).toBe(false)
})
