#!/usr/bin/env node
/** The executable `dpop-guard`. @module */

import { text } from 'node:stream/consumers'
import { runCommand } from './explain-command.js'

process.exitCode = await runCommand(process.argv.slice(2), {
  readInput: () => text(process.stdin),
  print: (line) => void process.stdout.write(`${line}\n`),
  printError: (line) => void process.stderr.write(`${line}\n`),
  hasColors: process.stdout.isTTY === true && !process.env['NO_COLOR']
})
