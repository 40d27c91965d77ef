// The registry of metrics, made from their table: prom-client asks for the numbers when somebody asks for the metrics.
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { boundOf, type Histogram } from '../core/buckets.ts'
import { type MetricName, METRICS, type MetricRow } from './metrics.ts'

/** The values of the labels in the order of the table, and the value of these. */
export type Sample = readonly [labels: readonly string[], value: number | Histogram]

/** How each metric is read. */
export type Readers = Readonly<Record<MetricName, () => Iterable<Sample> | Promise<Iterable<Sample>>>>

/** prom-client writes `Nan`, where the format has `NaN`: the lag of an event loop of which nothing is known yet. */
const NO_NUMBER = / Nan$/gm

/** The metrics of a node, as text. */
export interface Metrics {
  readonly contentType: string
  text(): Promise<string>
}

/** Makes the registry; prom-client's own metrics of the process and its event loop count from now on. */
export function makeMetrics(readers: Readers): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  for (const [name, row] of Object.entries<MetricRow>(METRICS))
    registry.registerMetric(new Metric(name, row, readers[name as MetricName]))
  return {
    contentType: registry.contentType,
    text: async () => (await registry.metrics()).replaceAll(NO_NUMBER, ' NaN'),
  }
}

interface Value {
  readonly metricName: string
  readonly labels: Readonly<Record<string, string | number>>
  /** The labels of all lines of one histogram, which prom-client writes once. */
  readonly sharedLabels?: Readonly<Record<string, string>>
  readonly value: number
}

/** A metric whose numbers are kept elsewhere. */
class Metric extends Gauge {
  readonly #name: string
  readonly #row: MetricRow
  readonly #read: Readers[MetricName]

  constructor(name: string, row: MetricRow, read: Readers[MetricName]) {
    super({ name, help: row.meaning, labelNames: [...row.labels], registers: [] })
    this.#name = name
    this.#row = row
    this.#read = read
  }

  override async get(): Promise<never> {
    const values: Value[] = []
    for (const [given, value] of await this.#read()) {
      const labels = Object.fromEntries(this.#row.labels.map((label, i) => [label, given[i] ?? '']))
      if (typeof value === 'number') values.push({ metricName: this.#name, labels, value })
      else addBuckets(values, this.#name, this.#row, labels, value)
    }
    // The types of prom-client have a number for the kind, the code has a word.
    return { name: this.#name, help: this.#row.meaning, type: this.#row.kind, aggregator: 'sum', values } as never
  }
}

function addBuckets(
  values: Value[],
  name: string,
  { shown: { buckets, unit } = { buckets: [], unit: 1 } }: MetricRow,
  sharedLabels: Readonly<Record<string, string>>,
  { counts, sum }: Histogram,
): void {
  const metricName = `${name}_bucket`
  let [next, seen] = [0, 0]
  for (const bucket of buckets) {
    for (; next <= bucket; next += 1) seen += counts[next] ?? 0
    values.push({ metricName, labels: { le: boundOf(bucket) * unit }, sharedLabels, value: seen })
  }
  for (; next < counts.length; next += 1) seen += counts[next] ?? 0
  values.push({ metricName, labels: { le: '+Inf' }, sharedLabels, value: seen })
  values.push({ metricName: `${name}_sum`, labels: {}, sharedLabels, value: sum * unit })
  values.push({ metricName: `${name}_count`, labels: {}, sharedLabels, value: seen })
}
