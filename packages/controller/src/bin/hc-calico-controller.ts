#!/usr/bin/env node
/** The executable. What still holds the process open after `main` is nothing anybody waits for. */
import { main } from '../main.ts'

process.exit(await main())
