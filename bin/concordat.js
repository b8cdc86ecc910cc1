#!/usr/bin/env node
import { runPinned } from '../setup.js'

await runPinned('src/main.ts', process.argv.slice(2))
