// The page in front of the printed figures says nothing that the printed pages do not, and hides nothing that was missed.
import { readFileSync } from 'node:fs'
import { expect } from 'chai'

const FOLDER = 'docs/results'
const read = (name: string): string => readFileSync(`${FOLDER}/${name}.md`, 'utf8')
const summary = read('README')
const performance = read('performance')
const printed = ['reliability', 'performance', 'scale'].map(read).join('\n')

/** Cells of the tables' rows, without the spaces around them. */
const rows = (markdown: string): string[][] =>
  [...markdown.matchAll(/^\| (.*) \|$/gm)].map(([, row = '']) => row.split(' | ').map((cell) => cell.trim()))

describe('the summary of the results', () => {
  it('has in bold only figures that a command has printed', () => {
    const bold = [...summary.matchAll(/\*\*([\d.,]+)\*\*/g)].map(([, figure = '']) => figure)
    const figures = new Set(printed.match(/\d[\d.,]*\d|\d/g))
    expect(bold).to.have.length.above(30)
    expect(bold.filter((figure) => !figures.has(figure))).to.deep.equal([])
  })

  it('names the command and the date of each part', () => {
    const runs = rows(summary).filter(([, command]) => command?.startsWith('`npm run '))
    expect(runs).to.have.length(8)
    for (const [, command, date] of runs) expect(printed).to.include(`Printed by ${command} on ${date},`)
  })

  it('lists every ratio that was not reached, and no other', () => {
    const missed = rows(performance)
      .filter(([, , wanted]) => wanted?.endsWith('**not met**'))
      .map(([ratio, measured, wanted]) => [ratio, measured, wanted?.replace(', **not met**', '')])
    const [, listed = ''] = summary.split('## What was not reached')
    const told = rows(listed).filter(([, , wanted]) => /^[≤≥]/.test(wanted ?? ''))
    expect(told).to.deep.equal(missed)
  })
})
