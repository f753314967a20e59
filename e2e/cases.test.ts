// CASES.md and the tests name the same cases, in the same files.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const here = import.meta.dirname
const caseID = /\b[A-Z]{2,4}-\d{2}\b/g

const listed = readFileSync(join(here, 'CASES.md'), 'utf8')
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .filter(([, id = '']) => /^[A-Z]{2,4}-\d{2}$/.test(id))
  .map((cells) => `${cells[1]} in ${cells[5]}`)

const tested = globSync('**/*.e2e.test.ts', { cwd: here }).flatMap((file) => {
  const text = readFileSync(join(here, file), 'utf8')
  return [...text.matchAll(caseID)].map(([id]) => `${id} in ${file}`)
})

test('every case is listed once and tested in the file it names', () => {
  expect(listed.length).toBeGreaterThan(20)
  expect([...listed].sort()).toEqual([...new Set(tested)].sort())
})
