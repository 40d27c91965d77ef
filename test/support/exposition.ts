// A strict reader of the text of metrics: it throws at anything that the format of Prometheus (0.0.4) does not allow.

/** One line of a metric. */
export interface Point {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** A family of metrics: what its HELP and TYPE say, and its lines. */
export interface Family {
  readonly kind: string
  readonly help: string
  readonly points: readonly Point[]
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const HELP = new RegExp(`^# HELP (${NAME}) (.+)$`)
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram|summary|untyped)$`)
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"'
const LINE = new RegExp(`^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)\\})? (\\S+)$`)
const SUFFIXES: Readonly<Record<string, RegExp>> = {
  histogram: /^(?:_bucket|_sum|_count)$/,
  summary: /^(?:|_sum|_count)$/,
}

function valueOf(text: string): number {
  if (/^[+-]?Inf$/.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  if (text === 'NaN') return NaN
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) throw new Error(`${text} is no value`)
  return Number(text)
}

function labelsOf(text = ''): Record<string, string> {
  const pairs = [...text.matchAll(new RegExp(LABEL, 'g'))].map(([pair]) => {
    const at = pair.indexOf('=')
    return [pair.slice(0, at), JSON.parse(pair.slice(at + 1)) as string] as const
  })
  if (new Set(pairs.map(([name]) => name)).size !== pairs.length) throw new Error(`a label comes twice: ${text}`)
  return Object.fromEntries(pairs)
}

/** Reads a text of metrics, by family. Throws where it is malformed, a line comes twice, or buckets do not add up. */
export function readExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end')
  const families = new Map<string, { kind: string; help: string; points: Point[] }>()
  const seen = new Set<string>()
  let [help, name] = ['', '']
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue
    const helped = HELP.exec(line)
    if (helped) {
      ;[, name = '', help = ''] = helped
      continue
    }
    const typed = TYPE.exec(line)
    if (typed) {
      if (typed[1] !== name || families.has(name)) throw new Error(`TYPE without its HELP, or twice: ${line}`)
      families.set(name, { kind: typed[2] ?? '', help, points: [] })
      continue
    }
    const [whole, own = '', labels, value = ''] = LINE.exec(line) ?? []
    const family = families.get(name)
    if (whole === undefined || !family) throw new Error(`no line of a metric: ${line}`)
    if (!own.startsWith(name) || !(SUFFIXES[family.kind] ?? /^$/).test(own.slice(name.length)))
      throw new Error(`a line of another metric: ${line}`)
    const at = line.slice(0, line.lastIndexOf(' '))
    if (seen.has(at)) throw new Error(`a line comes twice: ${line}`)
    seen.add(at)
    family.points.push({ name: own, labels: labelsOf(labels), value: valueOf(value) })
  }
  for (const [family, { kind, points }] of families) if (kind === 'histogram') checkBuckets(family, points)
  return families
}

/** Buckets rise, and the last one is the count. */
function checkBuckets(name: string, points: readonly Point[]): void {
  const ofOthers = ({ le: _le, ...others }: Point['labels']): string => JSON.stringify(others)
  const groups = new Map<string, Point[]>()
  for (const point of points) {
    const others = ofOthers(point.labels)
    groups.set(others, [...(groups.get(others) ?? []), point])
  }
  for (const group of groups.values()) {
    const buckets = group.filter((point) => point.name === `${name}_bucket`)
    const bounds = buckets.map(({ labels }) => valueOf(labels.le ?? ''))
    const rises = (numbers: readonly number[], least: number): boolean =>
      numbers.every((one, i) => i === 0 || one - (numbers[i - 1] ?? 0) >= least)
    const count = group.find((point) => point.name === `${name}_count`)?.value
    if (
      !rises(bounds, Number.MIN_VALUE) ||
      bounds.at(-1) !== Infinity ||
      !rises(
        buckets.map(({ value }) => value),
        0,
      )
    )
      throw new Error(`the buckets of ${name} do not rise to +Inf`)
    if (count !== buckets.at(-1)?.value || !group.some((point) => point.name === `${name}_sum`))
      throw new Error(`the count of ${name} is not that of its buckets`)
  }
}
