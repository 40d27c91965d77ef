// Where the page is: the part of the address behind `#`, as a path and parameters.
import { shared } from './store.js'

const here = () => {
  const [path = '', query = ''] = location.hash.replace(/^#/, '').split('?', 2)
  return {
    path: path === '' ? '/' : path,
    parameters: Object.fromEntries([...new URLSearchParams(query)].filter(([, value]) => value !== '')),
  }
}

export const route = shared(here())
addEventListener('hashchange', () => route.set(here()))

/** The link to a view. Parameters without a value are left out. */
export function hrefOf(path, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== '')
  const query = new URLSearchParams(given).toString()
  return `#${path}${query === '' ? '' : `?${query}`}`
}

/** Goes to a view. `replace`: going back skips the view that was shown. */
export function go(path, parameters, { replace = false } = {}) {
  const href = hrefOf(path, parameters)
  if (!replace) location.hash = href
  else {
    history.replaceState(null, '', href)
    route.set(here())
  }
}
