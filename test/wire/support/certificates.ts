// Certificates made for one test run by openssl.

import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

export interface Certificates {
  /** PEM of an authority, and of one that has signed nothing here. */
  readonly ca: string
  readonly otherCa: string
  /** A server's, for the name db.test. */
  readonly cert: string
  readonly key: string
}

/** null where there is no openssl. */
export async function makeCertificates(): Promise<Certificates | null> {
  const home = await mkdtemp(path.join(tmpdir(), 'pgpredict-tls-'))
  const openssl = (...args: string[]) => promisify(execFile)('openssl', args, { cwd: home })
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-sha256']
  try {
    for (const name of ['ca', 'other'])
      await openssl(
        'req',
        '-x509',
        ...ec,
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.crt`,
        '-days',
        '2',
        '-subj',
        `/CN=${name}`,
      )
    await openssl('req', ...ec, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=db.test')
    await writeFile(path.join(home, 'ext'), 'subjectAltName=DNS:db.test')
    const sign = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'ext', '-days', '2', '-sha256']
    await openssl('x509', '-req', '-in', 'server.csr', ...sign, '-out', 'server.crt')
    const read = (name: string) => readFile(path.join(home, name), 'utf8')
    return {
      ca: await read('ca.crt'),
      otherCa: await read('other.crt'),
      cert: await read('server.crt'),
      key: await read('server.key'),
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}
