/**
 * Handle ids: what names the owner of an allocation. Reading an id drops everything from its first
 * carriage return on: an old migration left such damage in stored data, and Calico reads it so.
 */

/** Owner of the addresses kept for a Windows host; it never has a Handle object. */
export const windowsReservedHandleID = 'windows-reserved-ipam-handle'

export const sanitizedHandleID = (id: string): string => {
  const end = id.indexOf('\r')
  return end < 0 ? id : id.slice(0, end)
}

/** Whether the id marks addresses kept for a Windows host, in any letter case. */
export const isWindowsReserved = (id: string | undefined): boolean =>
  id !== undefined && id.toLowerCase() === windowsReservedHandleID
