/** The repository's own style as tests: arrows, owners, lengths, names, declared dependencies. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { factsOf, type SourceFacts } from './imports.ts'
import {
  arrows,
  bannedNames,
  functionLinesMax,
  linesMax,
  soleImporters,
  thirdParty,
} from './rules.ts'

const tracked = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { encoding: 'utf8' })
const paths = tracked.split('\n').filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
const files = paths.flatMap((path) => {
  try {
    const text = readFileSync(path, 'utf8')
    return [{ path, text, facts: factsOf(path, text) }]
  } catch {
    return [] // deleted, not yet committed
  }
})
const sources = files.filter(({ path }) => /^packages\/[^/]+\/src\//.test(path))
const packageOf = (path: string): string => path.split('/')[1] as string
const isRelative = (specifier: string): boolean => specifier.startsWith('.')
const ownPackage = (specifier: string): string | undefined =>
  specifier.startsWith('@hc-calico/') ? specifier.split('/')[1] : undefined

const offences = (
  where: ReadonlyArray<{ path: string; facts: SourceFacts }>,
  isBad: (specifier: string, path: string) => boolean,
): ReadonlyArray<string> =>
  where.flatMap(({ path, facts }) =>
    facts.imports.filter((one) => isBad(one, path)).map((one) => `${path} imports ${one}`),
  )

describe('imports', () => {
  test('there are sources to look at', () => {
    expect(sources.length).toBeGreaterThan(50)
  })

  test('arrows between packages point one way', () => {
    const isBad = (specifier: string, path: string): boolean => {
      const target = ownPackage(specifier)
      return target !== undefined && !(arrows[packageOf(path)] ?? []).includes(target)
    }
    expect(offences(sources, isBad)).toEqual([])
  })

  test('a package imports only the third-party code that it may', () => {
    const isBad = (specifier: string, path: string): boolean =>
      !isRelative(specifier) &&
      ownPackage(specifier) === undefined &&
      thirdParty[packageOf(path)]?.test(specifier) !== true
    expect(offences(sources, isBad)).toEqual([])
  })

  test('one file imports it', () => {
    const isBad = (specifier: string, path: string): boolean =>
      specifier in soleImporters && soleImporters[specifier] !== path
    expect(offences(sources, isBad)).toEqual([])
  })

  test('fp-ts is imported by module file, and TaskEither only as a type', () => {
    expect(
      offences(files, (one) => /^fp-ts(\/|$)/.test(one) && !/^fp-ts\/lib\/\w+\.js$/.test(one)),
    ).toEqual([])
    const values = sources.filter(({ facts }) =>
      facts.valueImports.includes('fp-ts/lib/TaskEither.js'),
    )
    expect(values.map(({ path }) => path)).toEqual([])
  })

  test('relative imports stay inside their package', () => {
    const isBad = (specifier: string, path: string): boolean => {
      if (!isRelative(specifier)) return false
      const folders = path.split('/').length - 3
      return specifier.split('/').filter((part) => part === '..').length > folders
    }
    expect(offences(sources, isBad)).toEqual([])
  })

  test('every imported package is declared by the package that imports it', () => {
    const undeclared = sources.flatMap(({ path, facts }) => {
      const manifest = JSON.parse(readFileSync(`packages/${packageOf(path)}/package.json`, 'utf8'))
      const declared = new Set(Object.keys(manifest.dependencies ?? {}))
      return facts.imports
        .filter((one) => !isRelative(one) && !/^(node|bun):/.test(one))
        .map((one) =>
          one.startsWith('@') ? one.split('/').slice(0, 2).join('/') : one.split('/')[0],
        )
        .filter((one) => !declared.has(one as string))
        .map((one) => `${path} imports ${one}`)
    })
    expect(undeclared).toEqual([])
  })
})

describe('sizes and names', () => {
  const lineLimit = (path: string): number => {
    if (path.includes('/test/') || path.includes('.test.')) return linesMax.test
    return path.startsWith('packages/crd-types/') ? linesMax.codecs : linesMax.source
  }

  test('files are short', () => {
    const long = files
      .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
      .filter(({ path, lines }) => lines > lineLimit(path))
    expect(long).toEqual([])
  })

  test('functions are short', () => {
    const long = sources.flatMap(({ path, facts }) => {
      const limit = path.includes('/decisions/')
        ? functionLinesMax.decisions
        : functionLinesMax.anywhere
      return facts.functions
        .filter(({ lines }) => lines > limit)
        .map(({ line, lines }) => `${path}:${line} has ${lines} lines`)
    })
    expect(long).toEqual([])
  })

  test('no folder or file has a name that says nothing', () => {
    const vague = files.filter(({ path }) => path.split('/').some((part) => bannedNames.test(part)))
    expect(vague.map(({ path }) => path)).toEqual([])
  })

  test('nothing is exported as default', () => {
    const allowed = new Set(['vitest.config.ts', 'tools/test-run/closing-line.ts'])
    const defaults = files.filter(({ path, facts }) => facts.hasDefaultExport && !allowed.has(path))
    expect(defaults.map(({ path }) => path)).toEqual([])
  })
})
