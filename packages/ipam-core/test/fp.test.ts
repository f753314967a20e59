import { readdirSync, readFileSync } from 'node:fs'
import type { Either } from 'fp-ts/lib/Either.js'
import { isRight } from 'fp-ts/lib/Either.js'
import { map, right, type TaskEither } from 'fp-ts/lib/TaskEither.js'
import { describe, expect, expectTypeOf, test } from 'vitest'
import * as fp from '../src/fp.ts'
import { createIPAM } from '../src/index.ts'
import { createMemoryDatastore } from '../src/memory/index.ts'
import type { Call, Outcome } from '../src/ports/index.ts'

const names = Object.keys(createIPAM({ datastore: createMemoryDatastore() })).sort()

describe('the two entries', () => {
  test('every method of the Promise API is an operation of ./fp', () => {
    const operations = names.filter((name) => typeof Reflect.get(fp, name) === 'function')
    expect(operations).toEqual(names)
  })

  test('every operation of ./fp is a method of the Promise API', () => {
    const folder = new URL('../src/operations/', import.meta.url)
    // What an operation's file exports and ./fp passes on; runDecision runs any of them.
    const exported = readdirSync(folder).flatMap((file) => {
      const text = readFileSync(new URL(file, folder), 'utf8')
      return [...text.matchAll(/^export const (\w+)/gm)].map((match) => match[1] as string)
    })
    const passedOn = exported.filter((name) => Reflect.has(fp, name) && name !== 'runDecision')
    expect(passedOn.sort()).toEqual(names)
  })

  test('an operation of ./fp does nothing before it is invoked', async () => {
    let reads = 0
    const datastore = createMemoryDatastore()
    const deps = fp.createDeps({
      datastore: {
        ...datastore,
        read: (queries, options) => {
          const call = datastore.read(queries, options)
          return async () => {
            reads += 1
            return call()
          }
        },
      },
    })
    const operation = fp.getIPAMConfig(deps)
    await Promise.resolve()
    expect(reads).toBe(0)
    const strict = await map((config: { strictAffinity: boolean }) => config.strictAffinity)(
      operation,
    )()
    expect(isRight(strict) && strict.right).toBe(false)
    expect(reads).toBe(1)
  })
})

describe("the port's call is fp-ts' TaskEither in structure", () => {
  test('each can stand for the other', async () => {
    expectTypeOf<Call<string, number>>().toExtend<TaskEither<string, number>>()
    expectTypeOf<TaskEither<string, number>>().toExtend<Call<string, number>>()
    expectTypeOf<Outcome<string, number>>().toExtend<Either<string, number>>()
    expectTypeOf<Either<string, number>>().toExtend<Outcome<string, number>>()
    const call: Call<string, number> = right(1)
    const task: TaskEither<string, number> = call
    expect(await task()).toEqual({ _tag: 'Right', right: 1 })
  })
})
