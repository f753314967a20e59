/** The dataplane on a kernel that is passed in: what the executable and the tests build on. */
import type { Dataplane } from '../dataplane.ts'
import { addWorkload } from './add-workload.ts'
import { checkWorkload } from './check-workload.ts'
import { deleteHostInterface, deleteWorkload } from './delete-workload.ts'
import type { Kernel } from './kernel.ts'
import { inspectNamespace } from './netns.ts'

export const createDataplane = (kernel: () => Kernel): Dataplane => ({
  inspectNamespace: async (netns) => inspectNamespace(netns),
  addWorkload: async (request) => addWorkload(kernel(), request),
  deleteWorkload: async (request) => deleteWorkload(kernel(), request),
  checkWorkload: async (request) => checkWorkload(kernel(), request),
  deleteHostInterface: async (hostInterface) => deleteHostInterface(kernel(), hostInterface),
})
