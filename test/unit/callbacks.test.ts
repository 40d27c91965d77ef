// The callbacks of a part: what it is given to call back. More than three make its order of calls hard to follow.
import { readFileSync, readdirSync } from 'node:fs'
import { posix } from 'node:path'
import { expect } from 'chai'

const MOST = 3

const sources = readdirSync('src', { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => readFileSync(posix.join(entry.parentPath, entry.name), 'utf8'))

/** By name: what an interface extends, and its members. */
const interfaces = new Map(
  sources.flatMap((text) =>
    [...text.matchAll(/^(?:export )?interface (\w+)(?:<.*>)?(?: extends (.+))? \{\n([^]*?)\n\}/gm)].map(
      ([, name = '', parents = '', body = '']) => [name, { parents, body }] as const,
    ),
  ),
)

/** The members of an interface that are functions, its parents' as well. */
function callbacksOf(name: string): string[] {
  const { parents, body } = interfaces.get(name) ?? { parents: '', body: '' }
  const own = [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??(?:\(|: \(?\()/gm)].map(([, member = '']) => member)
  const inherited = [...parents.matchAll(/(?:(Omit|Pick)<)?(\w+)(?:, ([^>]+)>)?/g)].flatMap(
    ([, how, parent = '', names = '']) =>
      callbacksOf(parent).filter((member) => how === undefined || names.includes(`'${member}'`) === (how === 'Pick')),
  )
  return [...own, ...inherited]
}

/** The callbacks that the constructor of each class takes, by class. */
const taken = new Map(
  sources.flatMap((text) =>
    [...text.matchAll(/^(?:export )?class (\w+)[^]*?^ {2}constructor\(([^]*?)\) \{$/gm)].map(
      ([, name = '', parameters = '']) => {
        const types = [...parameters.matchAll(/: (?:Omit<|Pick<)?([A-Z]\w+)/g)].flatMap(([, type = '']) =>
          callbacksOf(type),
        )
        const functions = [...parameters.matchAll(/(\w+): \([^)]*\) =>/g)].map(([, parameter = '']) => parameter)
        return [name, [...functions, ...types]] as const
      },
    ),
  ),
)

describe('the callbacks of a part', () => {
  it('are found in every form in which a constructor takes them', () => {
    expect(taken.get('Pool')).to.have.members(['reported', 'died', 'available'])
    expect(taken.get('Lanes')).to.have.members(['freed'])
    expect(taken.get('Supervisor')).to.have.members(['name'])
  })

  it(`are ${MOST} at most`, () => {
    expect([...taken].filter(([, callbacks]) => callbacks.length > MOST)).to.deep.equal([])
  })
})
