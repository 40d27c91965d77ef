// The texts that newcomers and operators read first: short sentences, links that lead somewhere, and the first screen of README.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'chai'

/** The most words of a sentence, page by page. */
const LONGEST: Readonly<Record<string, number>> = {
  'README.md': 25,
  'packages/embedded-postgres/README.md': 25,
  'test/chaos/README.md': 25,
  'docs/proxies.md': 25,
  'docs/results/README.md': 25,
  'docs/scale.md': 25,
  'docs/architecture.md': 25,
  'docs/operations.md': 30,
  'docs/contract.md': 30,
  'CONTRIBUTING.md': 30,
  'SECURITY.md': 30,
}
const SCREEN = 40

const withoutCode = (markdown: string): string => markdown.replaceAll(/^```.*?^```/gms, '\n\n')
const prose = (path: string): string => withoutCode(readFileSync(path, 'utf8'))

/** Sentences, cells of tables and items of lists. Code in a line is one word, and addresses of links are none. */
const sentences = (markdown: string): string[] =>
  withoutCode(markdown)
    .replaceAll(/`[^`\n]+`/g, '`code`')
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .split(/\n\s*\n|\n(?=\s*(?:[-#|]|\d+\.))|\|/)
    .flatMap((block) => block.split(/(?<=[.?!])[*_)`"]*\s+(?=[A-Z`*\d[(])/))

const words = (sentence: string): number => sentence.split(/\s+/).filter((word) => /\w/.test(word)).length

const tooLong = (markdown: string, most: number): string[] =>
  sentences(markdown).filter((sentence) => words(sentence) > most)

/** The anchors of a page's headings, as sites make them. */
const anchors = (path: string): string[] =>
  [...prose(path).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )

describe('the pages for people', () => {
  for (const [path, most] of Object.entries(LONGEST))
    it(`${path} has no sentence of more than ${most} words`, () => {
      expect(tooLong(readFileSync(path, 'utf8'), most)).to.deep.equal([])
    })

  it('are measured by the sentence, without blocks of code and cell by cell', () => {
    const of = (count: number): string => Array.from({ length: count }, () => 'word').join(' ')
    expect(tooLong(`Say ${of(25)}. Then`, 25)).to.have.length(1)
    expect(tooLong(`Begin ${of(24)}. Then ${of(24)}.`, 25)).to.deep.equal([])
    expect(tooLong(`Two\nlines ${of(24)}.`, 25)).to.have.length(1)
    expect(tooLong(`- ${of(20)}\n- ${of(20)}\n\n1. ${of(20)}\n2. ${of(20)}`, 25)).to.deep.equal([])
    expect(tooLong(`| ${of(20)} | ${of(20)} |\n| ${of(26)} | ${of(20)} |`, 25)).to.have.length(1)
    expect(
      tooLong(`Before\n\n\`\`\`sh\n${of(30)}\n\`\`\`\n\n\`a b c\` [two words](of/a/link) ${of(22)}`, 25),
    ).to.deep.equal([])
  })

  for (const path of Object.keys(LONGEST))
    it(`${path} links to files and headings that are there`, () => {
      const targets = [...prose(path).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)]
      const dead = targets.filter(([, file, anchor]) => {
        const target = file ? join(dirname(path), file) : path
        return !existsSync(target) || (anchor !== undefined && !anchors(target).includes(anchor))
      })
      expect(dead.map(([link]) => link)).to.deep.equal([])
    })

  it('README says on its first screen what it is, how to get it, and how to try it', () => {
    const screen = readFileSync('README.md', 'utf8').split('\n').slice(0, SCREEN).join('\n')
    for (const must of [
      'git clone',
      'npm start',
      'another terminal',
      '200',
      '206',
      '500',
      '"$task"',
      '/tasks\n',
      'DELETE',
    ])
      expect(screen).to.include(must)
  })
})
