#!/usr/bin/env node
/** The executable. */
import { runRanges } from '../ranges/command.ts'

const { exitCode, stdout, stderr } = runRanges(process.argv.slice(2))
process.stdout.write(stdout)
process.stderr.write(stderr)
process.exitCode = exitCode
