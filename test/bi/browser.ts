// A headless Chromium, driven by the playwright-core that test/bi/install has put in place; no browser of its own is downloaded.

import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import path from 'node:path'

/** What we use of playwright-core's Locator, … */
export interface Locator {
  click(options?: object): Promise<void>
  fill(text: string): Promise<void>
  hover(): Promise<void>
  waitFor(options?: object): Promise<void>
  count(): Promise<number>
  allInnerTexts(): Promise<string[]>
  first(): Locator
  last(): Locator
  locator(selector: string): Locator
  filter(options: { hasText: string | RegExp }): Locator
}

/** … and of its Page. */
export interface Page {
  goto(url: string, options?: object): Promise<unknown>
  locator(selector: string): Locator
  getByRole(role: string, options?: object): Locator
  getByText(text: string | RegExp, options?: object): Locator
  screenshot(options: { path: string }): Promise<unknown>
  waitForLoadState(state: string): Promise<void>
  waitForURL(url: string | RegExp | ((url: URL) => boolean)): Promise<void>
  waitForTimeout(milliseconds: number): Promise<void>
  content(): Promise<string>
  readonly keyboard: { press(key: string): Promise<void>; insertText(text: string): Promise<void> }
}

export interface Browser {
  newPage(options: object): Promise<Page>
  version(): string
  close(): Promise<void>
}

interface Playwright {
  readonly chromium: { launch(options: object): Promise<Browser> }
}

/** @param installed the folder that test/bi/install names */
export async function startBrowser(installed: string): Promise<Browser> {
  const { chromium } = createRequire(path.join(installed, 'package.json'))('playwright-core') as Playwright
  const executablePath = execFileSync('sh', ['-c', 'command -v chromium || command -v google-chrome'], {
    encoding: 'utf8',
  })
  return chromium.launch({ executablePath: executablePath.trim(), args: ['--no-sandbox', '--disable-dev-shm-usage'] })
}
