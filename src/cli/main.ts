#!/usr/bin/env node
/** The executable `dpop-guard`. @module */

import { text } from 'node:stream/consumers'
import { isatty } from 'node:tty'
import { runCommand } from './explain-command.js'

process.exitCode = await runCommand(process.argv.slice(2), {
  readInput: () => text(process.stdin),
  print: (line) => void process.stdout.write(`${line}\n`),
  printError: (line) => void process.stderr.write(`${line}\n`),
  hasColors: [isatty(1), !process.env['NO_COLOR']].every(Boolean)
})
