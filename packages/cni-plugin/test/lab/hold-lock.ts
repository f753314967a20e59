/**
 * Run by Bun: takes the host lock on the file named by the first argument, prints `held` (or what
 * it noted) and keeps it until its standard input ends.
 */
import { createHostLock } from '../../src/host-lock.ts'

const [, , file = ''] = process.argv
const lock = createHostLock({
  debug: () => undefined,
  warning: (message) => console.log(`note: ${message}`),
})

await lock.run(file, async () => {
  console.log('held')
  for await (const _ of process.stdin);
})
console.log('released')
