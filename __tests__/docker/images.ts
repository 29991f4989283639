import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { BuiltRelease } from '../standin/release.ts'
import type { DockerHost } from './host.ts'

export const NAME = 'progressdb/progressdb'
export const imageOf = (host: DockerHost, version: string): string => `${host.registry}/${NAME}:v${version}`

/** Builds the image of a release from nothing, as the service's own is laid out, and pushes it. Answers its digest. */
export function publish(host: DockerHost, release: BuiltRelease, as = release.version): string {
  const dir = mkdtempSync(join(tmpdir(), 'image-'))
  try {
    base(host, release.binary)
    linkSync(release.binary, join(dir, 'progressdb'))
    writeFileSync(join(dir, 'Dockerfile'), dockerfile(as))
    const name = imageOf(host, as)
    host.docker('build', '--quiet', '--tag', name, dir)
    host.docker('push', '--quiet', name)
    return digestOf(host, name)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

export const digestOf = (host: DockerHost, name: string): string =>
  host.docker('image', 'inspect', '--format', '{{index .RepoDigests 0}}', name).split('@sha256:')[1] ?? ''

const dockerfile = (version: string): string => `FROM standin-base
COPY progressdb /usr/local/bin/progressdb
USER 1000:1000
WORKDIR /home/progressdb
EXPOSE 8080
VOLUME /data
ENV PATH=/usr/local/bin:/usr/bin:/bin MADE_FOR=${version}
LABEL org.opencontainers.image.version=${version}
ENTRYPOINT ["/usr/local/bin/progressdb"]
CMD ["--config", "/data/config.yaml"]
`

/** What the stand-in's program needs of a system: its libraries, and nothing else. */
export function base(host: DockerHost, binary: string): void {
  if (host.docker('images', '--quiet', 'standin-base') !== '') return
  const dir = mkdtempSync(join(tmpdir(), 'base-'))
  try {
    const root = join(dir, 'root')
    const libraries = execFileSync('ldd', [binary], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g)
    for (const [, library = ''] of libraries) place(root, library)
    for (const folder of ['tmp', 'home/progressdb']) {
      mkdirSync(join(root, folder), { recursive: true })
      chmodSync(join(root, folder), 0o1777)
    }
    for (const folder of ['', 'home', 'lib', 'lib64', 'usr'].map(name => join(root, name)))
      if (existsSync(folder)) chmodSync(folder, 0o755)
    writeFileSync(join(dir, 'Dockerfile'), 'FROM scratch\nCOPY root/ /\n')
    host.docker('build', '--quiet', '--tag', 'standin-base', dir)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function place(root: string, library: string): void {
  mkdirSync(join(root, dirname(library)), { recursive: true })
  copyFileSync(library, join(root, library))
}
