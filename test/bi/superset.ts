// Apache Superset as test/bi/install has put it in place: a copy of its empty database, its server, and what one types into its forms
// as requests to its API.

import { type ChildProcess, spawn } from 'node:child_process'
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export interface Superset {
  readonly url: string
  readonly account: { readonly username: string; readonly password: string }
  /** Sends `body` to a path below /api/v1 (GET without one); what it answers. @throws with Superset's own words where it refuses */
  api<T = Record<string, unknown>>(path: string, body?: object, method?: string): Promise<T>
  /** What it said on its terminal. */
  log(): string
  stop(): Promise<void>
}

/** @param installed the folder that test/bi/install names */
export async function startSuperset(installed: string): Promise<Superset> {
  const home = await mkdtemp(path.join(tmpdir(), 'pgpredict-superset-'))
  await copyFile(path.join(installed, 'home/superset.db'), path.join(home, 'superset.db'))
  const secret = async (name: string) => (await readFile(path.join(installed, 'home', name), 'utf8')).trim()
  const account = { username: 'admin', password: await secret('password') }
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const child = spawn(
    path.join(installed, 'venv/bin/gunicorn'),
    [
      '--bind',
      `127.0.0.1:${port}`,
      '--workers',
      '1',
      '--threads',
      '4',
      '--timeout',
      '120',
      'superset.app:create_app()',
    ],
    {
      env: {
        ...process.env,
        OMP_NUM_THREADS: '1',
        SUPERSET_HOME: home,
        SUPERSET_KEY: await secret('key'),
        SUPERSET_CONFIG_PATH: fileURLToPath(new URL('superset_config.py', import.meta.url)),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', text => (said += text))
  const stop = async () => {
    await end(child)
    await rm(home, { recursive: true, force: true })
  }
  try {
    await answering(`${url}/health`, child, () => said)
    const { access_token } = await send<{ access_token: string }>(`${url}/api/v1/security/login`, 'POST', {
      ...account,
      provider: 'db',
      refresh: false,
    })
    const authorization = { authorization: `Bearer ${access_token}` }
    return {
      url,
      account,
      api: (path, body, method = body ? 'POST' : 'GET') => send(`${url}/api/v1${path}`, method, body, authorization),
      log: () => said,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function send<T>(url: string, method: string, body?: object, headers: Record<string, string> = {}): Promise<T> {
  const ask = () =>
    fetch(url, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      body: body && JSON.stringify(body),
    })
  // gunicorn may just have closed the connection that is to be used again
  const response = await ask().catch(ask)
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${new URL(url).pathname}: ${response.status} ${text.slice(0, 500)}`)
  return JSON.parse(text) as T
}

async function answering(url: string, child: ChildProcess, log: () => string): Promise<void> {
  for (let waited = 0; waited < 180; waited++) {
    if (child.exitCode !== null) throw new Error(`Superset ended:\n${log().slice(-2000)}`)
    if (
      await fetch(url)
        .then(({ ok }) => ok)
        .catch(() => false)
    )
      return
    await sleep(1000)
  }
  throw new Error(`Superset does not answer:\n${log().slice(-2000)}`)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGTERM')
  await ended
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
