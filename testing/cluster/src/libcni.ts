/**
 * Drives a conflist through real executables as libcni does: ADD in order, each plugin's result the
 * next one's prevResult; DEL in reverse with the remembered result; CHECK, GC, STATUS, VERSION.
 * Written after the CNI specification 1.1.0, sections 3 and 4, and what containerd and podman were
 * seen to do; a client of our own, because libcni is Go.
 */
import { promises as fs } from 'node:fs'
import { join } from 'node:path'
import {
  type CNIAttachment,
  documentOf,
  type JSONObject,
  perform,
  type RunOptions,
} from './cni-exec.ts'

export { type CNIAttachment, CNIPluginError, type PluginRun } from './cni-exec.ts'

export interface CNIPluginConf extends JSONObject {
  readonly type: string
  /** Which of the attachment's capability arguments it wants, e.g. `{ "portMappings": true }`. */
  readonly capabilities?: Readonly<Record<string, boolean>>
}

export interface CNIConfList {
  readonly cniVersion: string
  readonly name: string
  readonly disableCheck?: boolean
  readonly disableGC?: boolean
  readonly plugins: ReadonlyArray<CNIPluginConf>
}

export type CNIResult = JSONObject & {
  readonly cniVersion?: string
  readonly interfaces?: ReadonlyArray<{
    readonly name: string
    readonly mac?: string
    readonly mtu?: number
    readonly sandbox?: string
  }>
  readonly ips?: ReadonlyArray<{
    readonly address: string
    readonly interface?: number
    readonly version?: string
    readonly gateway?: string
  }>
  readonly routes?: ReadonlyArray<{ readonly dst: string; readonly gw?: string }>
}

export interface LibCNIOptions extends RunOptions {
  /** Results are remembered here, one file per attachment. */
  readonly cacheDir: string
}

export interface LibCNI {
  add(list: CNIConfList, attachment: CNIAttachment): Promise<CNIResult>
  del(list: CNIConfList, attachment: CNIAttachment): Promise<void>
  check(list: CNIConfList, attachment: CNIAttachment): Promise<void>
  /** DEL for what is remembered and not valid, then GC on every plugin. */
  gc(list: CNIConfList, valid: ReadonlyArray<CNIAttachment>): Promise<void>
  status(list: CNIConfList): Promise<void>
  /** Versions each plugin of the list supports, by type. */
  versions(list: CNIConfList): Promise<Readonly<Record<string, ReadonlyArray<string>>>>
  /** The remembered result of ADD. */
  cached(list: CNIConfList, attachment: CNIAttachment): Promise<CNIResult | undefined>
}

const isAtLeast = (version: string, least: string): boolean => {
  const [a, b] = [version, least].map((text) => text.split('.').map(Number))
  for (let at = 0; at < 3; at += 1) {
    const difference = (a?.[at] ?? 0) - (b?.[at] ?? 0)
    if (difference !== 0) return difference > 0
  }
  return true
}

const isMissing = (error: unknown): boolean => (error as { code?: string }).code === 'ENOENT'

const runtimeConfigOf = (plugin: CNIPluginConf, args: JSONObject): JSONObject | undefined => {
  const wanted = Object.entries(plugin.capabilities ?? {}).filter(
    ([name, isWanted]) => isWanted && args[name] !== undefined,
  )
  if (wanted.length === 0) return undefined
  return Object.fromEntries(wanted.map(([name]) => [name, args[name]]))
}

const confOf = (list: CNIConfList, plugin: CNIPluginConf, more: JSONObject = {}): JSONObject => ({
  ...plugin,
  name: list.name,
  cniVersion: list.cniVersion,
  ...Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined)),
})

const cacheFile = (options: LibCNIOptions, list: CNIConfList, attachment: CNIAttachment): string =>
  join(options.cacheDir, 'results', `${list.name}-${attachment.containerID}-${attachment.ifName}`)

interface Remembered {
  readonly kind: 'cniCacheV1'
  readonly networkName: string
  readonly attachment: CNIAttachment
  readonly result: CNIResult
}

const readRemembered = async (file: string): Promise<Remembered | undefined> => {
  try {
    return JSON.parse(await fs.readFile(file, 'utf8')) as Remembered
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

class Driver implements LibCNI {
  readonly #options: LibCNIOptions

  constructor(options: LibCNIOptions) {
    this.#options = options
  }

  async add(list: CNIConfList, attachment: CNIAttachment): Promise<CNIResult> {
    let result: CNIResult | undefined
    for (const plugin of list.plugins) {
      const stdin = this.#conf(list, plugin, attachment, result)
      const run = await perform(this.#options, {
        command: 'ADD',
        plugin: plugin.type,
        stdin,
        attachment,
      })
      result = JSON.parse(run.stdout) as CNIResult
    }
    if (result === undefined) throw new Error('the list has no plugin')
    await this.#remember(list, attachment, result)
    return result
  }

  async del(list: CNIConfList, attachment: CNIAttachment): Promise<void> {
    const remembered = isAtLeast(list.cniVersion, '0.4.0')
      ? await this.cached(list, attachment)
      : undefined
    await this.#each(list.plugins.toReversed(), 'DEL', { list, attachment, result: remembered })
    await fs.rm(cacheFile(this.#options, list, attachment), { force: true })
  }

  async check(list: CNIConfList, attachment: CNIAttachment): Promise<void> {
    if (!isAtLeast(list.cniVersion, '0.4.0')) {
      throw new Error(`configuration version ${list.cniVersion} does not support CHECK command`)
    }
    if (list.disableCheck === true) return
    const result = await this.cached(list, attachment)
    await this.#each(list.plugins, 'CHECK', { list, attachment, result })
  }

  async gc(list: CNIConfList, valid: ReadonlyArray<CNIAttachment>): Promise<void> {
    const keys = new Set(valid.map((one) => cacheFile(this.#options, list, one)))
    for (const { attachment } of await this.#rememberedOf(list)) {
      if (!keys.has(cacheFile(this.#options, list, attachment))) await this.del(list, attachment)
    }
    if (list.disableGC === true || !isAtLeast(list.cniVersion, '1.1.0')) return
    const attachments = valid.map(({ containerID, ifName }) => ({ containerID, ifname: ifName }))
    for (const plugin of list.plugins) {
      const stdin = confOf(list, plugin, { 'cni.dev/valid-attachments': attachments })
      await perform(this.#options, { command: 'GC', plugin: plugin.type, stdin })
    }
  }

  async status(list: CNIConfList): Promise<void> {
    if (!isAtLeast(list.cniVersion, '1.1.0')) return
    for (const plugin of list.plugins) {
      const stdin = confOf(list, plugin)
      await perform(this.#options, { command: 'STATUS', plugin: plugin.type, stdin })
    }
  }

  async versions(list: CNIConfList): Promise<Readonly<Record<string, ReadonlyArray<string>>>> {
    const versions: Record<string, ReadonlyArray<string>> = {}
    // Plugins built with old skeletons want all variables for VERSION too; libcni makes them up.
    const attachment = { containerID: '', netns: 'dummy', ifName: 'dummy' }
    for (const { type } of list.plugins) {
      const stdin = { cniVersion: list.cniVersion }
      const run = await perform(this.#options, {
        command: 'VERSION',
        plugin: type,
        stdin,
        attachment,
      })
      versions[type] = documentOf(run.stdout)?.supportedVersions as ReadonlyArray<string>
    }
    return versions
  }

  async cached(list: CNIConfList, attachment: CNIAttachment): Promise<CNIResult | undefined> {
    return (await readRemembered(cacheFile(this.#options, list, attachment)))?.result
  }

  async #each(
    plugins: ReadonlyArray<CNIPluginConf>,
    command: 'DEL' | 'CHECK',
    about: { list: CNIConfList; attachment: CNIAttachment; result: CNIResult | undefined },
  ): Promise<void> {
    const { list, attachment, result } = about
    for (const plugin of plugins) {
      const stdin = this.#conf(list, plugin, attachment, result)
      await perform(this.#options, { command, plugin: plugin.type, stdin, attachment })
    }
  }

  #conf(
    list: CNIConfList,
    plugin: CNIPluginConf,
    attachment: CNIAttachment,
    prevResult: CNIResult | undefined,
  ): JSONObject {
    const runtimeConfig = runtimeConfigOf(plugin, attachment.capabilityArgs ?? {})
    return confOf(list, plugin, { prevResult, runtimeConfig })
  }

  async #remember(list: CNIConfList, attachment: CNIAttachment, result: CNIResult): Promise<void> {
    const file = cacheFile(this.#options, list, attachment)
    await fs.mkdir(join(this.#options.cacheDir, 'results'), { recursive: true })
    const remembered: Remembered = {
      kind: 'cniCacheV1',
      networkName: list.name,
      attachment,
      result,
    }
    await fs.writeFile(file, JSON.stringify(remembered))
  }

  async #rememberedOf(list: CNIConfList): Promise<ReadonlyArray<Remembered>> {
    const directory = join(this.#options.cacheDir, 'results')
    const names = await fs.readdir(directory).catch(() => [])
    const all = await Promise.all(names.map((name) => readRemembered(join(directory, name))))
    return all.filter((one): one is Remembered => one?.networkName === list.name)
  }
}

export const createLibCNI = (options: LibCNIOptions): LibCNI => new Driver(options)
