/**
 * Deletes the container's end of the pair, found by its name in this very namespace: the host's
 * name belongs to the pod and may be a newer container's by now. The kernel answers when it is
 * done, after a grace period; no lock may be held meanwhile. The wait for the answer is bounded,
 * and so is nothing else: the call takes place inside the kernel, which cannot be interrupted.
 */
import type { DeleteWorkloadRequest } from '../dataplane.ts'
import { socketInside } from './container.ts'
import { type Kernel, withHostSocket } from './kernel.ts'
import { attempt, findLink, isPair, removeLink } from './links.ts'
import { openNamespace } from './netns.ts'

export const deleteWorkload = async (
  kernel: Kernel,
  request: DeleteWorkloadRequest,
): Promise<void> => {
  const found = openNamespace(request.netns)
  if (found.state !== 'present') {
    kernel.notes.debug(`nothing to delete: ${request.netns} is ${found.state}`)
    return
  }
  const { namespace } = found
  try {
    // A process id that was used again can make an old path point to the host's own namespace.
    if (namespace.isOwn) {
      kernel.notes.warning(`nothing deleted: ${request.netns} is the host's own network namespace`)
      return
    }
    deleteInside(kernel, request, () => socketInside(kernel, namespace))
  } finally {
    namespace.close()
  }
}

const deleteInside = (
  kernel: Kernel,
  request: DeleteWorkloadRequest,
  open: () => ReturnType<typeof socketInside>,
): void => {
  const { containerInterface, netns } = request
  const socket = open()
  try {
    const link = findLink(socket, containerInterface)
    if (link === undefined) return
    if (!isPair(link)) {
      const kind = link.kind ?? 'device'
      kernel.notes.warning(`${containerInterface} in ${netns} is a ${kind}, not ours: left alone`)
      return
    }
    attempt(`in network namespace ${netns}`, () => removeLink(socket, link))
  } finally {
    socket.close()
  }
}

export const deleteHostInterface = (kernel: Kernel, name: string): Promise<void> =>
  withHostSocket(kernel, async (host) => {
    const link = findLink(host, name)
    if (link === undefined) return
    if (!isPair(link)) {
      throw new Error(`link ${name} is a ${link.kind ?? 'device'}, not ours: left alone`)
    }
    removeLink(host, link)
  })
