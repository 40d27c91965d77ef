// What the views are written with: preact, its hooks, and htm in place of JSX.
import htm from './vendor/htm.js'
import { h } from './vendor/preact.js'

export { Component, render } from './vendor/preact.js'
export { useEffect, useMemo, useRef, useState } from './vendor/hooks.js'
export const html = htm.bind(h)
