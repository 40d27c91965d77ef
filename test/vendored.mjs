// Copies what the page /ui uses of others into web/vendor, with the licences: `node test/vendored.mjs`; with --check it only compares.
// The packages are pinned in package.json, and npm checks their checksums.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'

/** One row a file: where it comes from, and what is changed in it. */
export const FILES = [
  { file: 'preact.js', from: 'preact/dist/preact.mjs' },
  { file: 'preact.LICENSE', from: 'preact/LICENSE' },
  // A browser without an import map knows no bare names.
  {
    file: 'hooks.js',
    from: 'preact/hooks/dist/hooks.mjs',
    change: (text) => text.replace('from"preact"', 'from"./preact.js"'),
  },
  { file: 'htm.js', from: 'htm/dist/htm.module.js' },
  { file: 'htm.LICENSE', from: 'htm/LICENSE' },
  { file: 'uplot.js', from: 'uplot/dist/uPlot.iife.min.js' },
  { file: 'uplot.css', from: 'uplot/dist/uPlot.min.css' },
  { file: 'uplot.LICENSE', from: 'uplot/LICENSE' },
]

const ROOT = new URL('../', import.meta.url)
const at = (path) => new URL(path, ROOT)

/** The files that differ from their packages. */
export const changed = () => FILES.filter(({ file, ...row }) => made(row) !== kept(file)).map(({ file }) => file)

function made({ from, change = (text) => text }) {
  const text = readFileSync(at(`node_modules/${from}`), 'utf8')
  return change(text).replace(/\n\/\/# sourceMappingURL=.*\n?$/, '\n')
}

function kept(file) {
  try {
    return readFileSync(at(`web/vendor/${file}`), 'utf8')
  } catch {
    return undefined
  }
}

if (process.argv[1] === import.meta.filename) {
  const files = changed()
  if (process.argv.includes('--check')) {
    for (const file of files) console.error(`web/vendor/${file} differs from its package`)
    process.exitCode = files.length > 0 ? 1 : 0
  } else {
    mkdirSync(at('web/vendor'), { recursive: true })
    for (const { file, ...row } of FILES) writeFileSync(at(`web/vendor/${file}`), made(row))
  }
}
