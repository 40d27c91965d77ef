// The texts that newcomers and operators read first: short sentences, links that lead somewhere, and the first screen of README.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'chai'

const LONGEST = 25
const SCREEN = 40

const prose = (path: string): string => readFileSync(path, 'utf8').replaceAll(/^```.*?^```/gms, '\n\n')

/** Sentences, cells of tables and items of lists, without the addresses of links. */
const sentences = (text: string): string[] =>
  text
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .split(/\n\s*\n|\n(?=\s*[-#|])|\|/)
    .flatMap((block) => block.split(/(?<=[.?!])[*_)`"]*\s+(?=[A-Z`*\d[(])/))

const words = (sentence: string): number => sentence.split(/\s+/).filter((word) => /\w/.test(word)).length

/** The anchors of a page's headings, as sites make them. */
const anchors = (path: string): string[] =>
  [...prose(path).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )

describe('README and the page on proxies', () => {
  for (const path of ['README.md', 'docs/proxies.md'])
    it(`${path} has no sentence of more than ${LONGEST} words`, () => {
      expect(sentences(prose(path)).filter((sentence) => words(sentence) > LONGEST)).to.deep.equal([])
    })

  for (const path of ['README.md', 'docs/proxies.md', 'docs/operations.md'])
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
    for (const must of ['git clone', 'npm start', 'another terminal', '206', '"$task"', '/tasks\n'])
      expect(screen).to.include(must)
  })
})
