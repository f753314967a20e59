/** An instant in Go's default text form, which Calico stores in the attribute `timestamp`. */

/** `2026-08-22 09:15:31.123456789 +0000 UTC`; trailing zeros of the fraction are left out. */
export const goTimeText = (nanoseconds: bigint): string => {
  const seconds = new Date(Number(nanoseconds / 1_000_000n)).toISOString().slice(0, 19)
  const fraction = String(nanoseconds % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '')
  return `${seconds.replace('T', ' ')}${fraction === '' ? '' : `.${fraction}`} +0000 UTC`
}
