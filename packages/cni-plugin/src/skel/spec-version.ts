/**
 * Versions of the CNI specification: which ones this library speaks, which command came with
 * which, and the answer to VERSION.
 */

/** Oldest first. */
export const supportedVersions = [
  '0.1.0',
  '0.2.0',
  '0.3.0',
  '0.3.1',
  '0.4.0',
  '1.0.0',
  '1.1.0',
] as const

export type SpecVersion = (typeof supportedVersions)[number]

/** The newest one; results are kept in its form and converted when they are printed. */
export const newestVersion: SpecVersion = '1.1.0'

/** What a network configuration without `cniVersion` means: the specification before it had one. */
export const versionWhenMissing: SpecVersion = '0.2.0'

export const isSupportedVersion = (text: string): text is SpecVersion =>
  (supportedVersions as ReadonlyArray<string>).includes(text)

/** Both must be supported ones: the list is in order. */
export const isAtLeast = (version: SpecVersion, than: SpecVersion): boolean =>
  supportedVersions.indexOf(version) >= supportedVersions.indexOf(than)

export const commands = ['ADD', 'DEL', 'CHECK', 'GC', 'STATUS', 'VERSION'] as const
export type CNICommand = (typeof commands)[number]

/** The first version of the specification that has the command. */
export const commandSince: Readonly<Record<CNICommand, SpecVersion>> = {
  ADD: '0.1.0',
  DEL: '0.1.0',
  VERSION: '0.1.0',
  CHECK: '0.4.0',
  GC: '1.1.0',
  STATUS: '1.1.0',
}

/** The answer to VERSION. `cniVersion` echoes the caller's where we speak it. */
export const versionReply = (asked: string | undefined) => ({
  cniVersion: asked !== undefined && isSupportedVersion(asked) ? asked : newestVersion,
  supportedVersions,
})
