/** A refused ADD: one clear sentence, the right code, nothing changed anywhere. */
import { expect } from 'vitest'
import { type Call, World } from './world.ts'

export type Case = readonly [what: string, call: Partial<Call>, code: number, sentence: string]

export const expectRefusal = async (call: Partial<Call>, code: number, sentence: string) => {
  const world = await World.create()
  world.kernel.plainFiles.add('/etc/passwd')
  const before = await world.picture()
  const answer = await world.run({ command: 'ADD', ...call })
  expect(answer.document).toMatchObject({ code, msg: expect.stringContaining(sentence) })
  expect(answer.document.msg).not.toContain('\n')
  expect(answer.code).toBe(1)
  expect(await world.picture()).toBe(before)
  expect(world.opened).toBe(world.closed)
}
