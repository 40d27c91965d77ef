// What deploy/ holds: read by real parsers, and compared with what the program knows.
import { expect } from 'chai'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { parse, parseAllDocuments } from 'yaml'
import { SETTINGS } from '../../src/config/settings.ts'

const text = (name: string): string => readFileSync(`deploy/${name}`, 'utf8')
const START = ['--heap-growing-percent=100', '--max-semi-space-size=8']

type Yaml = Record<string, never>
const at = (value: unknown, ...path: (string | number)[]): unknown =>
  path.reduce<unknown>((inner, name) => (inner as Record<string | number, unknown> | undefined)?.[name], value)

/** The instructions of the Dockerfile, each on a line of its own. */
const instructions = text('Dockerfile')
  .replaceAll('\\\n', ' ')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
const of = (name: string): string[] =>
  instructions.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1))
const variablesOf = (line: string): string[] => [...line.matchAll(/([A-Z_]+)=/g)].map(([, name = '']) => name)

describe('deploy/', () => {
  it('copies into the image what is there', () => {
    const sources = of('COPY')
      .filter((line) => !line.startsWith('--from'))
      .flatMap((line) => line.split(' ').slice(0, -1))
    expect(sources.length).to.be.above(0)
    for (const source of sources) expect(existsSync(source), source).to.equal(true)
    const fromBuild = of('COPY').filter((line) => line.startsWith('--from'))
    for (const path of fromBuild.flatMap((line) => line.split(' ').slice(1, -1)))
      expect(existsSync(path.replace('/opt/task_api/', '')), path).to.equal(true)
  })

  it('starts a node everywhere as package.json does', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: { start: string } }
    expect(scripts.start).to.include(START.join(' '))
    expect(of('CMD').map((line) => JSON.parse(line) as string[])).to.deep.equal([
      ['node', ...START, 'dist/src/bin.js', 'start'],
    ])
    expect(text('task_api.service')).to.include(`/usr/bin/node ${START.join(' ')} dist/src/bin.js start\n`)
  })

  it('names only settings that there are', () => {
    const known = new Set([...Object.keys(SETTINGS), 'NODE_ENV', 'POSTGRES_PASSWORD'])
    const deployment = parseAllDocuments(text('kubernetes.yaml')).map((one) => one.toJS() as Yaml)
    const env = at(deployment[1], 'spec', 'template', 'spec', 'containers', 0, 'env') as { name: string }[]
    const named = [
      ...of('ENV').flatMap(variablesOf),
      ...text('.env.example')
        .split('\n')
        .filter((line) => !line.startsWith('#'))
        .flatMap(variablesOf),
      ...env.map(({ name }) => name),
    ]
    expect(named).to.include.members(['HOST', 'SLOTS', 'STOP_DELAY'])
    for (const name of named) expect([...known], name).to.include(name)
  })

  it('has a unit that systemd accepts', function () {
    const verified = spawnSync('systemd-analyze', ['verify', 'deploy/task_api.service'], { encoding: 'utf8' })
    if (verified.error) return this.skip()
    const said = verified.stderr.split('\n').filter((line) => line.includes('task_api.service'))
    // The program need not be installed here.
    expect(said.filter((line) => !line.includes('is not executable'))).to.deep.equal([])
  })

  it('has manifests whose parts fit each other', () => {
    const documents = parseAllDocuments(text('kubernetes.yaml'))
    for (const one of documents) expect(one.errors).to.deep.equal([])
    const [config, deployment, service, budget] = documents.map((one) => one.toJS() as Yaml)
    expect([config, deployment, service, budget].map((one) => at(one, 'kind'))).to.deep.equal([
      'ConfigMap',
      'Deployment',
      'Service',
      'PodDisruptionBudget',
    ])
    const labels = at(deployment, 'spec', 'template', 'metadata', 'labels')
    expect(at(deployment, 'spec', 'selector', 'matchLabels')).to.deep.equal(labels)
    expect(at(service, 'spec', 'selector')).to.deep.equal(labels)
    expect(at(budget, 'spec', 'selector', 'matchLabels')).to.deep.equal(labels)
    expect(at(deployment, 'spec', 'template', 'spec', 'volumes', 0, 'configMap', 'name')).to.equal(
      at(config, 'metadata', 'name'),
    )
    const services = parse(String(at(config, 'data', 'task_api.yaml'))) as { services: object }
    expect(Object.keys(services.services)).to.deep.equal(['billing'])
  })

  it('has a compose file whose services wait for what they need', () => {
    const { services } = parse(text('compose.yaml'), { merge: true }) as { services: Record<string, Yaml> }
    expect(Object.keys(services)).to.deep.equal(['node_a', 'node_b', 'postgres', 'redis'])
    for (const node of [services['node_a'], services['node_b']]) {
      expect(at(node, 'read_only')).to.equal(true)
      for (const needed of Object.keys(at(node, 'depends_on') as object))
        expect(at(services[needed], 'healthcheck', 'test'), needed).to.be.an('array')
    }
  })
})
