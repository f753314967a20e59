// A file's suffix decides its tier (docs/testing.md). Tests import the packages' sources through
// the condition "hc-calico-source", so no build stands between an edit and its test.
import { defineConfig } from 'vitest/config'

const conditions = ['hc-calico-source', 'node', 'import', 'module', 'default']
const everywhere = ['packages/*/test', 'testing/*/test', 'tools/*', 'e2e', 'demo']
const files = (suffix: string): string[] => everywhere.map((dir) => `${dir}/**/*${suffix}`)
const slow = ['**/*.integration.test.ts', '**/*.e2e.test.ts', '**/*.consumer.test.ts']
const resolve = { conditions }
const ssr = { resolve: { conditions, externalConditions: conditions } }

export default defineConfig({
  resolve,
  ssr,
  test: {
    reporters: ['default', './tools/test-run/closing-line.ts'],
    passWithNoTests: false,
    projects: [
      {
        resolve,
        ssr,
        test: {
          name: 'unit',
          include: files('.test.ts'),
          exclude: [...slow, '**/node_modules/**'],
          testTimeout: 20_000,
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: 'integration',
          include: files('.integration.test.ts'),
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: 'e2e',
          include: [...files('.e2e.test.ts'), ...files('.consumer.test.ts')],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
