import { createHash } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { array, type infer as Infer, looseObject, optional, string } from 'zod/mini'
import { ARCHIVE_LIMITS, bounded } from './archive.ts'
import { byteReader } from './bytes.ts'
import type { Registry } from './registry.ts'
import { tarEntries } from './tar.ts'

const Platform = looseObject({ os: optional(string()), architecture: optional(string()) })
const Index = looseObject({
  manifests: array(looseObject({ digest: string(), platform: optional(Platform) })),
})
const Manifest = looseObject({
  config: looseObject({ digest: string() }),
  layers: array(looseObject({ digest: string(), mediaType: optional(string()) })),
})
type Manifest = Infer<typeof Manifest>

/** `platforms` as `os/arch`: the first that the image has is looked into. */
export type Wanted = { binary: string; platforms: string[] }
export type Program = { platform: string; path: string; sha256: string }

/**
 * The program in an image: the file of that name in the last of its layers that has one, hashed as it arrives; nothing is written. `undefined`
 * where there is none, or none for these platforms. Rejects where the registry does not answer or a layer cannot be read.
 */
export async function programIn(
  manifest: string,
  { binary, platforms }: Wanted,
  registry: Registry,
): Promise<Program | undefined> {
  const chosen = await manifestFor(json(manifest), platforms, registry)
  if (chosen === undefined) return undefined
  for (const layer of chosen.manifest.layers.toReversed()) {
    const found = await inLayer(await registry.stream(layer.digest), layer.mediaType ?? '', binary)
    if (found !== undefined) return { platform: chosen.platform, ...found }
  }
  return undefined
}

async function manifestFor(
  parsed: unknown,
  platforms: string[],
  registry: Registry,
): Promise<{ manifest: Manifest; platform: string } | undefined> {
  const index = Index.safeParse(parsed)
  if (index.success) {
    const all = index.data.manifests.map(({ digest, platform }) => ({
      digest,
      platform: named(platform ?? {}),
    }))
    const found = platforms.flatMap(platform => all.filter(one => one.platform === platform))[0]
    if (found === undefined) return undefined
    const manifest = Manifest.parse(json((await registry.manifest(found.digest)).body))
    return { manifest, platform: found.platform }
  }
  const manifest = Manifest.parse(parsed)
  const platform = named(Platform.parse(json(await registry.text(manifest.config.digest))))
  return platforms.includes(platform) ? { manifest, platform } : undefined
}

const named = ({ os = '', architecture = '' }: Infer<typeof Platform>): string => `${os}/${architecture}`

async function inLayer(
  source: AsyncIterable<Uint8Array>,
  mediaType: string,
  binary: string,
): Promise<Omit<Program, 'platform'> | undefined> {
  let found: Omit<Program, 'platform'> | undefined
  const search = async (bytes: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const entry of tarEntries(byteReader(bounded(bytes, ARCHIVE_LIMITS.bytes)), 'pass')) {
      if (entry.kind !== 'file' || entry.path.split('/').at(-1) !== binary) continue
      const hash = createHash('sha256')
      for await (const portion of entry.body) hash.update(portion)
      found = { path: `/${entry.path.replace(/^\.?\//, '')}`, sha256: hash.digest('hex') }
    }
  }
  if (mediaType.endsWith('zstd')) await pipeline(source, createZstdDecompress(), search)
  else if (mediaType.endsWith('gzip')) await pipeline(source, createGunzip(), search)
  else await pipeline(source, search)
  return found
}

const json = (text: string): unknown => JSON.parse(text) as unknown
