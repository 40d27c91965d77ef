// Prints the tables of events and metrics into docs/operations.md.
import { readFileSync } from 'node:fs'
import { between, code, printed, table } from './markdown.ts'
import { TOPICS } from './telemetry/events.ts'
import { FIELDS } from './telemetry/fields.ts'
import { METRICS, type MetricRow } from './telemetry/metrics.ts'

/** What stands around the events in docs/operations.md; the rest of that page is written by hand. */
const EVENT_MARKS = [
  `${printed('src/telemetry/')}\n<!-- prettier-ignore-start -->`,
  '<!-- prettier-ignore-end -->',
] as const

/** The same around the metrics. */
const METRIC_MARKS = [
  `${printed('src/telemetry/metrics.ts')}\n<!-- prettier-ignore-start -->`,
  '<!-- prettier-ignore-end -->',
] as const

/** docs/operations.md as it is, with the tables of events and metrics as they are now. */
export function operations(): string {
  const text = readFileSync('docs/operations.md', 'utf8')
  return between(METRIC_MARKS, between(EVENT_MARKS, text, events()), metrics())
}

function metrics(): string {
  const rows = Object.entries<MetricRow>(METRICS).map(([name, { kind, labels, meaning }]) => [
    code(name),
    kind,
    labels.map(code).join(' '),
    meaning,
  ])
  return table(['Metric', 'Kind', 'Labels', 'Meaning'], rows)
}

function events(): string {
  const topics = Object.entries(TOPICS).flatMap(([topic, rows]) => [
    `#### ${topic}`,
    table(
      ['Event', 'Level', '`msg`', 'Fields', 'Meaning', 'What to do'],
      Object.entries(rows).map(([name, { event = name, level, text, fields, meaning, action }]) => [
        code(event),
        level,
        text,
        fields.map((field) => code(field)).join(' '),
        meaning,
        action,
      ]),
    ),
  ])
  const fields = Object.entries(FIELDS).map(([name, { meaning }]) => [code(name), meaning])
  return [...topics, '#### Fields', table(['Field', 'Meaning'], fields)].join('\n\n')
}
