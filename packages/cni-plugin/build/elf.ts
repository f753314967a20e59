/**
 * The little of the ELF format that the build needs: the header, the program headers, and adding
 * one loadable segment. ELF64 little-endian only (System V ABI, "ELF-64 object file format").
 */

export interface Segment {
  readonly type: number
  readonly flags: number
  readonly offset: number
  readonly address: number
  readonly fileBytes: number
  readonly memoryBytes: number
  readonly alignment: number
}

export interface Executable {
  readonly machine: number
  readonly entry: number
  /** Where the table of program headers is. */
  readonly segmentsOffset: number
  readonly segments: ReadonlyArray<Segment>
}

export const machineX64 = 62
export const machineARM64 = 183
export const segmentLoad = 1
export const segmentNote = 4
export const flagsReadExecute = 5

const headerBytes = 64
const segmentBytes = 56
const entryOffset = 24

const viewOf = (data: Uint8Array): DataView =>
  new DataView(data.buffer, data.byteOffset, data.byteLength)

const readSegment = (view: DataView, at: number): Segment => ({
  type: view.getUint32(at, true),
  flags: view.getUint32(at + 4, true),
  offset: Number(view.getBigUint64(at + 8, true)),
  address: Number(view.getBigUint64(at + 16, true)),
  fileBytes: Number(view.getBigUint64(at + 32, true)),
  memoryBytes: Number(view.getBigUint64(at + 40, true)),
  alignment: Number(view.getBigUint64(at + 48, true)),
})

const encodeSegment = (segment: Segment): Uint8Array => {
  const data = new Uint8Array(segmentBytes)
  const view = viewOf(data)
  view.setUint32(0, segment.type, true)
  view.setUint32(4, segment.flags, true)
  const numbers = [
    segment.offset,
    segment.address,
    segment.address,
    segment.fileBytes,
    segment.memoryBytes,
    segment.alignment,
  ]
  numbers.forEach((value, index) => {
    view.setBigUint64(8 + index * 8, BigInt(value), true)
  })
  return data
}

/** Reads the headers. Throws on anything but a 64-bit little-endian ELF executable. */
export const readExecutable = (file: Uint8Array): Executable => {
  const magic = [0x7f, 0x45, 0x4c, 0x46, 2, 1]
  if (file.length < headerBytes || magic.some((byte, at) => file[at] !== byte)) {
    throw new Error('not a 64-bit little-endian ELF file')
  }
  const view = viewOf(file)
  const segmentsOffset = Number(view.getBigUint64(32, true))
  if (view.getUint16(54, true) !== segmentBytes) throw new Error('unknown size of program headers')
  const count = view.getUint16(56, true)
  return {
    machine: view.getUint16(18, true),
    entry: Number(view.getBigUint64(entryOffset, true)),
    segmentsOffset,
    segments: Array.from({ length: count }, (_, index) =>
      readSegment(view, segmentsOffset + index * segmentBytes),
    ),
  }
}

/** Places in the file that change, and what comes after its end. */
export interface Edit {
  readonly writes: ReadonlyArray<{ readonly offset: number; readonly data: Uint8Array }>
}

/** Large enough for every page size Linux has on these machines. */
const pageBytes = 65_536

const alignedUp = (value: number): number => Math.ceil(value / pageBytes) * pageBytes

/** Where a new segment would go: after everything, in the file and in memory. */
export const placeForSegment = (executable: Executable, fileBytes: number) => ({
  offset: alignedUp(fileBytes),
  address: alignedUp(
    Math.max(...executable.segments.map((segment) => segment.address + segment.memoryBytes)),
  ),
})

/**
 * Loads `code` as one more segment and starts there. The table of program headers has no room to
 * grow, so the new entry takes the place of a note, which nothing reads at run time. Loadable
 * segments must stay in order of their addresses: the new one, the highest, comes after the last.
 */
export const startAt = (
  executable: Executable,
  code: Uint8Array,
  place: { readonly offset: number; readonly address: number },
): Edit => {
  const note = executable.segments.findIndex((segment) => segment.type === segmentNote)
  if (note < 0) throw new Error('no note among the program headers to give its place')
  const added: Segment = {
    type: segmentLoad,
    flags: flagsReadExecute,
    ...place,
    fileBytes: code.length,
    memoryBytes: code.length,
    alignment: pageBytes,
  }
  const segments = executable.segments.filter((_, index) => index !== note)
  segments.splice(segments.findLastIndex(({ type }) => type === segmentLoad) + 1, 0, added)
  const entry = new Uint8Array(8)
  viewOf(entry).setBigUint64(0, BigInt(place.address), true)
  return {
    writes: [
      ...segments.map((segment, index) => ({
        offset: executable.segmentsOffset + index * segmentBytes,
        data: encodeSegment(segment),
      })),
      { offset: place.offset, data: code },
      // Last: until then the file starts as before.
      { offset: entryOffset, data: entry },
    ],
  }
}
