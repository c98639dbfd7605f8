// CPU time and memory of processes, as Linux counts them.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

/** The process and all below it. */
export function family(pid: number): number[] {
  const below = readdirSync(`/proc/${pid}/task`).flatMap(task =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
  )
  return [pid, ...below.flatMap(family)]
}

/** Nanoseconds on a core since its threads began: /proc/<pid>/stat counts the same in steps of 10 ms. */
export function cpuTime(pids: readonly number[]): number {
  let total = 0
  for (const pid of pids)
    for (const task of readdirSync(`/proc/${pid}/task`))
      total += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0])
  return total
}

const field = (file: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(file, 'utf8'))?.[1]) * 1024

/** Bytes in memory now. */
export const residentMemory = (pid: number): number => field(`/proc/${pid}/status`, 'VmRSS')

/** As resident, but pages shared by n processes count as a part in n. */
export const proportionalMemory = (pid: number): number => field(`/proc/${pid}/smaps_rollup`, 'Pss')

/** The most bytes in memory since the last `forgetPeak`. */
export const peakMemory = (pid: number): number => field(`/proc/${pid}/status`, 'VmHWM')

export const forgetPeak = (pid: number): void => writeFileSync(`/proc/${pid}/clear_refs`, '5')

export const megabytes = (bytes: number): number => bytes / 2 ** 20
