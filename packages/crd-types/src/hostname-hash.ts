/**
 * The value of the label `projectcalico.org/hostname-hash`: SHA3-256 of the host name in base32
 * (RFC 4648, upper case, no padding), 52 characters, which fit a label where host names may not.
 */
import { sha3of256 } from './sha3.ts'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

const base32 = (bytes: Uint8Array): string => {
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += alphabet[(held >>> bits) & 31]
    }
    held &= (1 << bits) - 1
  }
  return bits === 0 ? text : text + alphabet[(held << (5 - bits)) & 31]
}

/** The label value that stands for a host. */
export const hostnameHash = (host: string): string => base32(sha3of256(host))
