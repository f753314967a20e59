/** Linux, for real: route netlink spoken by this very process, through Bun's FFI. */
import type { Dataplane, Notes } from '../dataplane.ts'
import { createKernel, type Kernel } from './kernel.ts'
import { openNetworkLibc } from './libc-bun.ts'
import { createDataplane } from './linux-dataplane.ts'

/** Opens the C library at the first use, not before. */
export const createLinuxDataplane = (notes: Notes): Dataplane => {
  let kernel: Kernel | undefined
  return createDataplane(() => {
    kernel ??= createKernel(openNetworkLibc(), notes)
    return kernel
  })
}
