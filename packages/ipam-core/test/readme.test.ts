/** The README's example, run as written. */
import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { expect, test } from 'vitest'
import * as main from '../src/index.ts'
import * as memory from '../src/memory/index.ts'

const text = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const [example = '', pool = '', settled = ''] = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(
  (match) => match[1] as string,
)

test('the example is a dozen lines, and prints an address', async () => {
  expect(example.trim().split('\n').length).toBeLessThanOrEqual(12)
  const imported = [...example.matchAll(/^import \{ (\w+) \} from '([^']+)'$/gm)]
  expect(imported.map((match) => match.slice(1))).toEqual([
    ['createIPAM', '@hc-calico/ipam-core'],
    ['createMemoryDatastore', '@hc-calico/ipam-core/memory'],
  ])
  const printed: unknown[][] = []
  const body = stripTypeScriptTypes(pool) + example.replace(/^import .*$/gm, '')
  const run = new Function(
    'createIPAM',
    'createMemoryDatastore',
    'console',
    `return (async () => {${body}})()`,
  )
  await run(main.createIPAM, memory.createMemoryDatastore, {
    log: (...values: unknown[]) => printed.push(values),
  })
  expect(printed).toHaveLength(1)
  const [[withPrefix], [plain]] = printed[0] as [string[], string[]]
  expect(withPrefix).toMatch(/^10\.0\.\d+\.\d+\/26$/)
  expect(plain).toBe(withPrefix?.replace('/26', ''))
})

test('a rejection can be had as a value', async () => {
  const build = new Function(`${stripTypeScriptTypes(settled)}; return settled`)
  const asValue = build() as (promise: Promise<unknown>) => Promise<unknown>
  const ipam = main.createIPAM({ datastore: memory.createMemoryDatastore() })
  expect(await asValue(ipam.ipsByHandle('h'))).toMatchObject({
    ok: false,
    failure: { tag: 'HandleMissing' },
  })
  expect(await asValue(ipam.getIPAMConfig())).toMatchObject({ ok: true })
})
