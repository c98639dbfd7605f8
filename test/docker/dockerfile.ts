// Follows a Dockerfile without Docker: every stage is a folder, RUN runs here, and FROM says only where a stage begins. What the
// base images bring is not there, so this shows that our own steps work, and no more.

import { execFile } from 'node:child_process'
import { cp, mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'

export interface Image {
  /** Folder of the last stage. */
  readonly root: string
  readonly workdir: string
  readonly env: Readonly<Record<string, string>>
  readonly entrypoint: readonly string[]
  readonly healthcheck: readonly string[]
  /** Base image of the last stage. */
  readonly base: string
}

interface Stage {
  name: string
  base: string
  root: string
  workdir: string
  env: Record<string, string>
  entrypoint: string[]
  healthcheck: string[]
}

/** Builds `file` from `context` under `folder`. Throws at an instruction that is not known here, and where a step fails. */
export async function build(file: string, context: string, folder: string): Promise<Image> {
  const stages: Stage[] = []
  const text = (await readFile(file, 'utf8')).replace(/\\\n/g, ' ')
  for (const line of text.split('\n').filter(line => /^[A-Z]/.test(line))) {
    const [, word, rest] = /^([A-Z]+)\s+(.*)$/.exec(line)!
    if (word === 'FROM') {
      const [, base, name] = /^(\S+)(?:\s+AS\s+(\S+))?$/.exec(rest!)!
      const root = path.join(folder, name ?? `stage${stages.length}`)
      await mkdir(root, { recursive: true })
      stages.push({ name: name ?? '', base: base!, root, workdir: '/', env: {}, entrypoint: [], healthcheck: [] })
    } else await step(stages, word!, rest!, context)
  }
  return stages.at(-1)!
}

/** tap hooks itself into every child of a test by this variable; what is built and run here is none of its business. */
export const WITHOUT_TAP = 'unset NODE_OPTIONS; '

async function step(stages: readonly Stage[], word: string, rest: string, context: string): Promise<void> {
  const stage = stages.at(-1)!
  const inStage = (to: string) => path.join(stage.root, path.resolve(stage.workdir, to))
  switch (word) {
    case 'WORKDIR':
      stage.workdir = rest
      await mkdir(inStage('.'), { recursive: true })
      return
    case 'COPY': {
      const words = rest.split(/\s+/)
      const from = /^--from=(.+)$/.exec(words[0]!)?.[1]
      const source = from ? stages.find(({ name }) => name === from)!.root : context
      const files = words.slice(from ? 1 : 0, -1)
      const to = words.at(-1)!
      for (const name of files) {
        // a folder's content goes into the target, a file into a target folder
        const isFolder = to.endsWith('/')
        await cp(path.join(source, name), isFolder ? path.join(inStage(to), path.basename(name)) : inStage(to), {
          recursive: true,
          verbatimSymlinks: true,
        })
      }
      return
    }
    case 'RUN':
      await promisify(execFile)('/bin/sh', ['-c', `${WITHOUT_TAP}${rest}`], {
        cwd: inStage('.'),
        env: { ...outsideNpm(), ...stage.env, npm_config_prefer_offline: 'true' },
      })
      return
    case 'ENV':
      for (const [, name, value] of rest.matchAll(/(\w+)=(\S+)/g)) stage.env[name!] = value!
      return
    case 'ENTRYPOINT':
      stage.entrypoint = JSON.parse(rest) as string[]
      return
    case 'HEALTHCHECK':
      stage.healthcheck = JSON.parse(rest.slice(rest.indexOf('['))) as string[]
      return
    case 'EXPOSE':
      return
    default:
      throw new Error(`${word} is not known here`)
  }
}

/** Our environment without what an npm that runs us has put there: the image's npm is a fresh one. */
function outsideNpm(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|INIT_CWD)/i.test(name)))
}
