/**
 * Keeps the environment from steering the runtime inside a compiled executable.
 *
 * A single-file executable of Bun contains all of Bun, and the runtime obeys its environment before
 * a line of ours runs: BUN_BE_BUN turns it into the `bun` command, BUN_OPTIONS and
 * BUN_INSPECT_PRELOAD load foreign code, BUN_BYTECODE_ORDER_OUT writes a file, and
 * NODE_TLS_REJECT_UNAUTHORIZED switches verification off. A CNI plugin runs as root with whatever
 * environment its runtime passes on, so none of that may work, and no list of names would be
 * complete. Therefore a few instructions run before the runtime's own first one: they walk the
 * environment on the stack and make every variable with one of the prefixes below invisible by
 * ending its name before it begins. Nothing else changes: same memory, same registers.
 */
import {
  type Edit,
  machineARM64,
  machineX64,
  placeForSegment,
  readExecutable,
  startAt,
} from './elf.ts'

/** At most eight bytes each: that many are compared at once. */
export const hiddenPrefixes: ReadonlyArray<string> = [
  'BUN_',
  'NODE_',
  // JavaScriptCore and its allocator.
  'JSC_',
  'WTF_',
  'WebKit',
  'JavaScri',
  'Malloc',
  'bmalloc',
  'MIMALLOC',
  'mimalloc',
  // What else is linked in.
  'UV_',
  'SIMDUTF_',
  'DYLD_',
]

const prefixBytesMax = 8

/** Pairs of a mask and what the masked first eight bytes must be; a mask of zero ends it. */
const prefixTable = (prefixes: ReadonlyArray<string>): number[] => {
  const padded = (bytes: ReadonlyArray<number>): number[] =>
    Array.from({ length: prefixBytesMax }, (_, at) => bytes[at] ?? 0)
  const pair = (prefix: string): number[] => {
    const bytes = [...new TextEncoder().encode(prefix)]
    if (bytes.length === 0 || bytes.length > prefixBytesMax) {
      throw new Error(`prefix ${JSON.stringify(prefix)} does not have 1 to 8 bytes`)
    }
    return [...padded(bytes.map(() => 0xff)), ...padded(bytes)]
  }
  return [...prefixes.flatMap(pair), ...padded([])]
}

const littleEndian = (value: number | bigint, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, at) => Number((BigInt(value) >> BigInt(at * 8)) & 0xffn))

/**
 * x86-64. At the start the stack holds argc, argv, a zero, the environment, a zero; rdx belongs to
 * the loader and must survive. Reading eight bytes of a short variable is safe: behind the last one
 * the kernel puts the program's path and a zero word.
 */
const codeX64 = (address: number, entry: number, table: ReadonlyArray<number>): number[] => {
  const code = [
    ...[0x48, 0x8b, 0x0c, 0x24], //             00 mov  rcx, [rsp]            argc
    ...[0x48, 0x8d, 0x5c, 0xcc, 0x10], //       04 lea  rbx, [rsp+rcx*8+16]   first variable
    ...[0x48, 0x8b, 0x33], //              next 09 mov  rsi, [rbx]
    ...[0x48, 0x83, 0xc3, 0x08], //             0c add  rbx, 8
    ...[0x48, 0x85, 0xf6], //                   10 test rsi, rsi
    ...[0x74, 0x27], //                         13 jz   done
    ...[0x48, 0x8b, 0x06], //                   15 mov  rax, [rsi]            its first 8 bytes
    ...[0x48, 0x8d, 0x3d, 0x24, 0, 0, 0], //    18 lea  rdi, [rip+table]
    ...[0x48, 0x8b, 0x0f], //              pair 1f mov  rcx, [rdi]            mask
    ...[0x48, 0x85, 0xc9], //                   22 test rcx, rcx
    ...[0x74, 0xe2], //                         25 jz   next
    ...[0x48, 0x21, 0xc1], //                   27 and  rcx, rax
    ...[0x48, 0x3b, 0x4f, 0x08], //             2a cmp  rcx, [rdi+8]
    ...[0x48, 0x8d, 0x7f, 0x10], //             2e lea  rdi, [rdi+16]         keeps the flags
    ...[0x75, 0xeb], //                         32 jne  pair
    ...[0xc6, 0x06, 0x00], //                   34 mov  byte [rsi], 0
    ...[0xeb, 0xd0], //                         37 jmp  next
    ...[0x90, 0x90, 0x90], //                   39 nop
  ]
  const afterJump = address + code.length + 5
  return [
    ...code,
    ...[0xe9, ...littleEndian(entry - afterJump, 4)], // done 3c jmp entry
    ...[0x90, 0x90], //                         41 nop
    ...table,
  ]
}

/** arm64, the same; x0 belongs to the loader. The distance to the entry may exceed a branch's. */
const codeARM64 = (address: number, entry: number, table: ReadonlyArray<number>): number[] => {
  const words = [
    0xf94003e1, //      00 ldr  x1, [sp]
    0x8b216fe2, //      04 add  x2, sp, x1, uxtx #3
    0x91004042, //      08 add  x2, x2, #16
    0xf8408443, // next 0c ldr  x3, [x2], #8
    0xb4000143, //      10 cbz  x3, done
    0xf9400064, //      14 ldr  x4, [x3]
    0x10000205, //      18 adr  x5, table
    0xa8c11ca6, // pair 1c ldp  x6, x7, [x5], #16
    0xb4ffff66, //      20 cbz  x6, next
    0x8a0400c6, //      24 and  x6, x6, x4
    0xeb0700df, //      28 cmp  x6, x7
    0x54ffff81, //      2c b.ne pair
    0x3900007f, //      30 strb wzr, [x3]
    0x17fffff6, //      34 b    next
    0x10000010, // done 38 adr  x16, done
    0x580000b1, //      3c ldr  x17, distance
    0x8b110210, //      40 add  x16, x16, x17
    0xd61f0200, //      44 br   x16
    0xd503201f, //      48 nop
    0xd503201f, //      4c nop
  ]
  const done = address + 0x38
  return [
    ...words.flatMap((word) => littleEndian(word, 4)),
    ...littleEndian(entry - done, 8), // distance 50
    ...table, //                          table    58
  ]
}

type Assemble = (address: number, entry: number, table: ReadonlyArray<number>) => number[]

const assemblers: Readonly<Record<number, Assemble>> = {
  [machineX64]: codeX64,
  [machineARM64]: codeARM64,
}

/** What to change in an executable so that it hides the prefixes from its runtime. */
export const guardEnvironment = (
  file: Uint8Array,
  prefixes: ReadonlyArray<string> = hiddenPrefixes,
): Edit => {
  const executable = readExecutable(file)
  const assemble = assemblers[executable.machine]
  if (assemble === undefined) throw new Error(`unknown machine ${executable.machine}`)
  const place = placeForSegment(executable, file.length)
  const code = assemble(place.address, executable.entry, prefixTable(prefixes))
  return startAt(executable, Uint8Array.from(code), place)
}
