// The files people apply are what src/manifests says today.
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { manifestFiles, manifestYAML } from '../build/write-manifests.ts'

const folder = new URL('../manifests/', import.meta.url)

test('there is a file per API group, and no other', () => {
  expect(readdirSync(folder).toSorted()).toEqual(Object.keys(manifestFiles).toSorted())
})

test.each(Object.entries(manifestFiles))('%s is current', (file, group) => {
  const written = readFileSync(new URL(file, folder), 'utf8')
  expect(written, 'run packages/crd-types/build/write-manifests.ts').toBe(manifestYAML(group))
})
