// A real Chromium, and pages in it.
import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { promisify } from 'node:util'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

const exec = promisify(execFile)
const PROGRAM = '/usr/bin/chromium'
/** Without these Chromium looks for hosts that a closed network refuses, many at a time. */
const ARGS = [
  'no-sandbox',
  'disable-gpu',
  'disable-quic',
  'no-first-run',
  'disable-background-networking',
  'disable-component-update',
  'disable-sync',
]
/** How long a page may take to do what a test asks for, ms. The machine may be busy. */
const PATIENCE_MS = 30_000

/** Starts a browser with a profile of its own. `CHROMIUM` names another program than Debian's. */
export async function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: await program(), headless: true, args: ARGS.map((one) => `--${one}`) })
}

/** The program; where there is none, and root asks, Debian's package is installed. Throws an error that says what to do. */
async function program(): Promise<string> {
  const given = process.env['CHROMIUM'] ?? PROGRAM
  if (await runs(given)) return given
  const apt = (...args: string[]) =>
    exec('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
  try {
    await apt('update')
    await apt('install', '-y', '--no-install-recommends', 'chromium')
    await access(PROGRAM, constants.X_OK)
    return PROGRAM
  } catch (error) {
    throw new Error(
      `The tests of the page need Chromium, and there is none at ${given}. Installing Debian's failed (${String(error)}). Install the package chromium, or set CHROMIUM to the path of a Chromium.`,
      { cause: error },
    )
  }
}

const runs = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  )

/** A page, and what the browser has complained of: errors of scripts, and what the policy of the page forbids. */
export interface Opened {
  readonly page: Page
  readonly complaints: string[]
}

/** Opens a view of /ui in a window of its own. */
export async function openView(
  browser: Browser,
  url: string,
  view: string,
  options: BrowserContextOptions = {},
): Promise<Opened> {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    timezoneId: 'Europe/Berlin',
    locale: 'en-GB',
    ...options,
  })
  context.setDefaultTimeout(PATIENCE_MS)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  // An answer that refuses is in the console, too, and is no fault of the page.
  page.on(
    'console',
    (message) =>
      message.type() === 'error' &&
      !message.text().startsWith('Failed to load resource') &&
      complaints.push(message.text()),
  )
  await page.goto(`${url}/ui#${view}`)
  return { page, complaints }
}
