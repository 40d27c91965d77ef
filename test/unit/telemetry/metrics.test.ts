import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { parse } from 'yaml'
import { Histogram } from '../../../src/core/buckets.ts'
import { Meters, OTHERS } from '../../../src/telemetry/meters.ts'
import { METRICS, type MetricName, type MetricRow } from '../../../src/telemetry/metrics.ts'
import { makeMetrics, type Readers, type Sample } from '../../../src/telemetry/registry.ts'
import { readExposition } from '../../support/exposition.ts'

const ROWS = Object.entries<MetricRow>(METRICS)

/** Readers of no numbers but these. */
const readers = (given: Partial<Record<MetricName, Sample[]>>): Readers =>
  Object.fromEntries(ROWS.map(([name]) => [name, () => given[name as MetricName] ?? []])) as unknown as Readers

/** The names that an expression asks for, without what a histogram adds. */
const asked = (expression: string): string[] =>
  [...expression.matchAll(/\b((?:task_api|nodejs|process)_[a-z0-9_]+?)(?:_(?:bucket|sum|count))?\b/g)].map(
    ([, name = '']) => name,
  )

/** prom-client's own that the files of deploy/ ask for. */
const OF_PROCESS = ['process_cpu_seconds_total', 'nodejs_eventloop_lag_p99_seconds']

describe('the metrics', () => {
  it('are those of the table, each with its kind and its meaning', async () => {
    const families = readExposition(await makeMetrics(readers({})).text())
    const own = [...families].filter(([name]) => name.startsWith('task_api_'))
    expect(own.map(([name, { kind, help }]) => [name, kind, help])).to.deep.equal(
      ROWS.map(([name, { kind, meaning }]) => [name, kind, meaning]),
    )
    expect([...families.keys()]).to.include.members(OF_PROCESS)
  })

  it('have the buckets of their row, in its unit', async () => {
    const times = new Histogram()
    for (const ms of [0.5, 3, 3, 5_000_000]) times.observe(ms)
    const text = await makeMetrics(readers({ task_api_request_seconds: [[['a"\\\n'], times]] })).text()
    const points = readExposition(text).get('task_api_request_seconds')?.points ?? []
    const at = (le: string): number | undefined => points.find(({ labels }) => labels.le === le)?.value
    expect([at('0.001'), at('0.002'), at('0.004'), at('1048.576'), at('+Inf')]).to.deep.equal([1, 1, 3, 3, 4])
    expect(points.find(({ name }) => name.endsWith('_sum'))?.value).to.be.closeTo(5000.0065, 1e-9)
    expect(points[0]?.labels.service).to.equal('a"\\\n')
  })

  it('of more than a thousand services count the rest as one', () => {
    const meters = new Meters()
    for (let i = 0; i < 1_200; i += 1) meters.asked(`s${i}`, 200, 1)
    expect([meters.services.size, meters.services.get(OTHERS)?.outcomes.get(200)]).to.deep.equal([1_001, 200])
  })

  it('of the alerts and the dashboard are those of the table', () => {
    const alerts = parse(readFileSync('deploy/alerts.yaml', 'utf8')) as { groups: { rules: { expr: string }[] }[] }
    const board = JSON.parse(readFileSync('deploy/grafana-dashboard.json', 'utf8')) as {
      panels: { targets: { expr: string }[] }[]
    }
    const expressions = [
      ...alerts.groups.flatMap(({ rules }) => rules.map(({ expr }) => expr)),
      ...board.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ]
    const names = expressions.flatMap(asked)
    expect([...Object.keys(METRICS), ...OF_PROCESS]).to.include.members(names)
    // The dashboard shows all of them.
    expect(board.panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => asked(expr)))).to.include.members(
      Object.keys(METRICS),
    )
    const labels = new Set(ROWS.flatMap(([, row]) => row.labels).concat('le', 'instance', 'job'))
    for (const expression of expressions)
      for (const [, group = ''] of expression.matchAll(/(?:by \(|\{)([^)}]*)[)}]/g))
        for (const label of group.split(',')) expect(labels).to.include(label.replace(/[=!~].*/, '').trim())
  })

  it('have for each alert a paragraph that says what to do', () => {
    const alerts = parse(readFileSync('deploy/alerts.yaml', 'utf8')) as {
      groups: { rules: { alert: string; annotations: { runbook: string } }[] }[]
    }
    const told = [...readFileSync('docs/operations.md', 'utf8').matchAll(/^#### (TaskApi\w+)\n\n\S.{40,}$/gm)]
    const rules = alerts.groups.flatMap(({ rules: some }) => some)
    expect(told.map(([, name]) => name)).to.deep.equal(rules.map(({ alert }) => alert))
    for (const { alert, annotations } of rules)
      expect(annotations.runbook).to.equal(`docs/operations.md#${alert.toLowerCase()}`)
  })
})
