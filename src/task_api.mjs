#!/usr/bin/env node
// The package's command, and `npm start`: sees to it that all is there, then becomes the program in the same process, which signals
// reach. As src/setup.mjs it must run on any Node, and that one says which is needed.
import { setUp } from './setup.mjs'

const parent = process.ppid
void setUp().then(() => {
  // npm ended while this was compiled, for example with its terminal: nobody would know of a node that begins now.
  if (process.env.npm_lifecycle_event && process.ppid !== parent) process.exit(1)
  return import(new URL('../dist/src/bin.js', import.meta.url).href)
})
