/** The part of Bun's FFI that `libc-bun.ts` uses; the whole of its types clash with Node's. */
declare module 'bun:ffi' {
  type FFIType = 'i32' | 'u32' | 'i64' | 'u64' | 'ptr'
  interface Signature {
    readonly args: ReadonlyArray<FFIType>
    readonly returns: FFIType
  }
  type NativeFunction = (...args: ReadonlyArray<number | bigint | Uint8Array | null>) => number
  export const dlopen: <const S extends Readonly<Record<string, Signature>>>(
    library: string,
    symbols: S,
  ) => { readonly symbols: { readonly [K in keyof S]: NativeFunction } }
  export const read: { i32(pointer: number, offset: number): number }
}
