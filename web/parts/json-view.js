// Shows JSON: foldable, searchable, in parts where it is long, and exactly as it is. Copying gives the very text.
import { bytesText, nounText } from '../format.js'
import { html, useEffect, useMemo, useRef, useState } from '../html.js'
import { childrenOf, rootOf } from '../json.js'
import { CopyButton } from './buttons.js'

/** The most children, and the most characters of a string, that are shown at once. */
const CHILDREN = 100
const CHARACTERS = 2_000
/** Containers of at most so many characters begin open. */
const OPEN = 4_000
/** Deeper values are shown as text: a browser bears only so many boxes in boxes. */
const DEEPEST = 60
/** Of a key or a value by itself: at most so many levels are open from the beginning. */
const OPEN_LEVELS = 12
/** From this size on there is a search. */
const SEARCHED = 400

/** `text` is JSON; `name` says what it is. */
export function Json({ text, name }) {
  const root = useMemo(() => rootOf(text), [text])
  const [search, setSearch] = useState('')
  const [at, setAt] = useState(0)
  const found = useMemo(() => placesOf(text, search), [text, search])
  const place = found.length > 0 ? found[at % found.length] : undefined
  const move = (by) => setAt((at + by + found.length) % Math.max(found.length, 1))
  return html`<div class="json">
    <div class="json-bar">
      <span class="quiet">${bytesText(new Blob([text]).size)}</span>
      ${
        text.length > SEARCHED &&
        html`<input
            type="search"
            aria-label=${`Search in ${name}`}
            placeholder="Search"
            value=${search}
            onInput=${({ target }) => (setSearch(target.value), setAt(0))}
            onKeyDown=${(event) => event.key === 'Enter' && (event.preventDefault(), move(event.shiftKey ? -1 : 1))}
          />
          ${
            search !== '' &&
            html`<span class="quiet" role="status">
                ${found.length === 0 ? 'not found' : `${(at % found.length) + 1} of ${found.length === MOST ? `${MOST}+` : found.length}`}
              </span>
              <button type="button" class="small" onClick=${() => move(-1)} disabled=${found.length === 0} aria-label="The match before">↑</button>
              <button type="button" class="small" onClick=${() => move(1)} disabled=${found.length === 0} aria-label="The next match">↓</button>`
          }`
      }
      <${CopyButton} text=${text} label=${`Copy ${name}`} />
    </div>
    <div class="json-tree" tabindex="0" role="group" aria-label=${name}>
      <${Value} text=${text} value=${root} place=${place} length=${search.length} depth=${0} />
    </div>
  </div>`
}

const MOST = 1_000
/** The most characters of one piece of text: a key may have a MiB. */
const LONGEST = 100_000

/** Where the text has what is searched, without regard to case; the first thousand places. */
function placesOf(text, search) {
  if (search === '') return []
  const pattern = new RegExp(search.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'), 'giu')
  const places = []
  for (const { index } of text.matchAll(pattern)) if (places.push(index) === MOST) break
  return places
}

const within = (place, { start, end }) => place !== undefined && place >= start && place < end

function Value({ text, value, place, length, name, depth }) {
  const { start, end, kind } = value
  const label =
    name === undefined
      ? ''
      : html`<${Marked} text=${text} start=${name.start} end=${name.end} place=${place} length=${length} />: `
  if ((kind !== 'object' && kind !== 'array') || depth >= DEEPEST)
    return html`<div class="json-leaf">${label}<${Leaf} text=${text} value=${value} place=${place} length=${length} /></div>`
  if (text.slice(start + 1, end - 1).trim() === '')
    return html`<div class="json-leaf">${label}<${Marked} text=${text} start=${start} end=${end} place=${place} length=${length} /></div>`
  return html`<${Container} text=${text} value=${value} place=${place} length=${length} label=${label} depth=${depth} />`
}

function Container({ text, value, place, length, label, depth }) {
  const [chosen, choose] = useState(undefined)
  const hit = within(place, value)
  // What is found next is shown, also where a person has folded.
  useEffect(() => {
    if (hit) choose(undefined)
  }, [hit, place])
  const open = chosen ?? (hit || (value.end - value.start <= OPEN && depth < OPEN_LEVELS))
  const last = value.kind === 'object' ? '}' : ']'
  const first = html`<${Marked} text=${text} start=${value.start} end=${value.start + 1} place=${place} length=${length} />`
  const all = useMemo(() => (open ? childrenOf(text, value) : undefined), [open, text, value.start])
  const noun = value.kind === 'object' ? 'member' : 'item'
  const told = all ? nounText(all.length, noun) : bytesText(value.end - value.start)
  return html`<div class="json-box">
    <button type="button" class="json-fold" aria-expanded=${open} onClick=${() => choose(!open)}>
      <span aria-hidden="true">${open ? '▾' : '▸'}</span> ${label}${first}${!open && `…${last}`} <span class="quiet">${told}</span>
    </button>
    ${open && html`<${Children} text=${text} all=${all} place=${place} length=${length} depth=${depth + 1} /><div>${last}</div>`}
  </div>`
}

function Children({ text, all, place, length, depth }) {
  const [[from, to], setShown] = useState([0, CHILDREN])
  // What was found is shown, with its neighbours.
  const hit =
    place === undefined ? -1 : all.findIndex((child) => place >= (child.keyStart ?? child.start) && place < child.end)
  const [begin, end] = hit === -1 || (hit >= from && hit < to) ? [from, to] : [Math.max(0, hit - 20), hit + 80]
  return html`<div class="json-children">
    ${begin > 0 && html`<button type="button" class="small" onClick=${() => setShown([Math.max(0, begin - CHILDREN), end])}>${nounText(begin, 'more', 'more')} before</button>`}
    ${all.slice(begin, end).map(
      (child) =>
        html`<${Value}
          key=${child.start}
          text=${text}
          value=${child}
          place=${place}
          length=${length}
          depth=${depth}
          name=${child.key === undefined ? undefined : { start: child.keyStart, end: child.keyStart + child.key.length }}
        />`,
    )}
    ${end < all.length && html`<button type="button" class="small" onClick=${() => setShown([begin, end + CHILDREN])}>${nounText(all.length - end, 'more', 'more')}</button>`}
  </div>`
}

function Leaf({ text, value: { start, end }, place, length }) {
  const [most, setMost] = useState(CHARACTERS)
  // A long string is shown from its beginning, or from a little before what was found in it.
  const from = place !== undefined && place >= start + most && place < end ? Math.max(start, place - 200) : start
  const to = Math.min(end, from + most)
  return html`<span>${from > start && '…'}<${Marked} text=${text} start=${from} end=${to} place=${place} length=${length} /></span>
    ${to < end && html`<button type="button" class="small" onClick=${() => setMost(most * 4)}>… ${bytesText(end - to)} more</button>`}`
}

/** A part of the text, with what was found in it marked. */
function Marked({ text, start, end, place, length }) {
  const mark = useRef()
  const there = place !== undefined && place >= start && place < end
  useEffect(() => {
    if (there) mark.current?.scrollIntoView({ block: 'nearest' })
  }, [there, place])
  if (!there) return text.slice(start, Math.min(end, start + LONGEST))
  const stop = Math.min(end, place + length)
  return html`${text.slice(start, place)}<mark ref=${mark}>${text.slice(place, stop)}</mark>${text.slice(stop, end)}`
}
