// A chart over time, drawn by uPlot. The colours are those of the style, light or dark.
import { clock, timeText } from '../format.js'
import { html, useEffect, useRef } from '../html.js'
import { useShared } from '../store.js'

/**
 * `x` are seconds since 1970. Each of `series` has a label, the name of its colour, its values, and `bars` where they are bars; later
 * ones are drawn over earlier ones. `text` makes a value readable; `shown` are the values of the legend where they differ.
 */
export function Chart({ title, x, series, text, log = false }) {
  const place = useRef()
  const plot = useRef()
  const zone = useShared(clock)
  const shape = JSON.stringify([title, log, zone, series.map(({ label }) => label)])
  const latest = useRef(series)
  latest.current = series
  useEffect(() => {
    const element = place.current
    const draw = () => {
      plot.current?.destroy()
      plot.current = new window.uPlot(
        optionsOf({ padding: (x[1] - x[0]) / 2, log, text, zone, place: element, latest }),
        [x, ...series.map(({ values }) => values)],
        element,
      )
    }
    draw()
    const dark = matchMedia('(prefers-color-scheme: dark)')
    dark.addEventListener('change', draw)
    const watch = new ResizeObserver(() => plot.current?.setSize(sizeOf(element)))
    watch.observe(element)
    return () => {
      dark.removeEventListener('change', draw)
      watch.disconnect()
      plot.current?.destroy()
      plot.current = undefined
    }
  }, [shape])
  useEffect(() => plot.current?.setData([x, ...series.map(({ values }) => values)]), [x, series])
  return html`<figure class="chart"><figcaption>${title}</figcaption><div ref=${place} role="img" aria-label=${`${title}: ${spoken(series, text)}`}></div></figure>`
}

/** Up to so many values of a line are drawn as points, too. */
const POINTS = 20

const sizeOf = (place) => ({ width: Math.max(place.clientWidth, 240), height: 180 })

/** A value of a series; its last one without an index. */
const valueText = ({ values, shown = values }, i, text) =>
  text((i === null ? shown.findLast((value) => value !== null) : shown[i]) ?? null)

/** The last value of each series, for who cannot see the chart. */
const spoken = (series, text) => series.map((one) => `${one.label} ${valueText(one, null, text)}`).join(', ')

function optionsOf({ padding, log, text, zone, place, latest }) {
  // A canvas does not know `light-dark()`: the browser says what it comes to.
  const colour = (name) => {
    place.style.color = `var(--${name})`
    return getComputedStyle(place).color
  }
  const hourText = (at) => timeText(new Date(at * 1000), { zone }).slice(11, 16)
  const axis = {
    stroke: colour('quiet'),
    grid: { stroke: colour('line'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui',
  }
  return {
    ...sizeOf(place),
    ...(zone === 'utc' && { tzDate: (at) => window.uPlot.tzDate(new Date(at * 1e3), 'UTC') }),
    cursor: { points: { size: 6 }, drag: { x: false, y: false } },
    // The first and the last bar are whole.
    scales: {
      x: { range: (_, first, last) => [first - padding, last + padding] },
      y: log ? { distr: 3 } : { range: (_, __, most) => [0, Math.max(most ?? 1, 1) * 1.05] },
    },
    axes: [
      {
        ...axis,
        space: 70,
        size: 28,
        values: (_, ticks) => ticks.map((at) => hourText(at)),
      },
      // On a logarithmic scale powers of ten have a line.
      {
        ...axis,
        ...(log && {
          grid: {
            ...axis.grid,
            filter: (_, all) => all.map((one) => (Number.isInteger(Math.log10(one)) ? one : null)),
          },
        }),
        size: 62,
        values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : text(tick))),
      },
    ],
    series: [
      { value: (_, at) => (at === null ? 'latest' : hourText(at)) },
      ...latest.current.map(({ label, colour: name, bars, values }, at) => ({
        label,
        stroke: colour(name),
        width: bars ? 0 : 1.5,
        // A point without neighbours has no line.
        points: { size: 5, show: !bars && values.filter((value) => value !== null).length <= POINTS },
        spanGaps: true,
        ...(bars && { fill: colour(name), paths: window.uPlot.paths.bars({ size: [0.8, 40], gap: 1 }) }),
        value: (_, value, __, i) => valueText(latest.current[at], i, text),
      })),
    ],
  }
}
