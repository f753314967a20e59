/** The handle of a pod's fixed addresses; the plugin on every node derives the same. */
import { createHash } from 'node:crypto'

const handlePrefix = 'hc-fixed.'
/** On the Kubernetes API a handle is the name of an object. */
const handleLengthMax = 253

/** `hc-fixed.{namespace}.{pod}`, or with a digest where that is too long for a name. */
export const fixedHandleID = (namespace: string, pod: string): string => {
  const handle = `${handlePrefix}${namespace}.${pod}`
  if (handle.length <= handleLengthMax) return handle
  const digest = createHash('sha1').update(`${namespace}.${pod}`).digest('hex')
  return `${handlePrefix}${digest}`
}
