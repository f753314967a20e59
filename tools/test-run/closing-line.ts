// The last line of every test run: "N passed, N failed". A test that did not run is a failure
// unless it is skipped with a reason, and a run without any test is one too.
import type { Reporter, TestModule } from 'vitest/node'

/** Vitest instantiates a reporter module's default export; there is no named form. */
// biome-ignore lint/style/noDefaultExport: required by vitest's reporter loading
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>, unhandledErrors: ReadonlyArray<unknown>): void {
    let passed = 0
    let skipped = 0
    let failed = unhandledErrors.length
    for (const module of modules) {
      if (module.errors().length > 0) failed += 1
      for (const test of module.children.allTests()) {
        const state = test.result().state
        if (state === 'passed') passed += 1
        else if (state === 'skipped' && test.options.mode === 'skip') skipped += 1
        else failed += 1
      }
    }
    if (passed + failed === 0) failed = 1
    if (failed > 0) process.exitCode = 1
    const tail = skipped > 0 ? `, ${skipped} skipped` : ''
    process.on('exit', () => process.stdout.write(`${passed} passed, ${failed} failed${tail}\n`))
  }
}
