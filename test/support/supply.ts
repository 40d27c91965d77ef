// The rules for what npm installs: exact versions, of the registry, with a checksum, and without scripts of their own.

/** A package.json, as far as the rules go by it. */
export interface Manifest {
  readonly dependencies?: Versions
  readonly devDependencies?: Versions
  readonly optionalDependencies?: Versions
  readonly peerDependencies?: Versions
}
type Versions = Readonly<Record<string, string>>

/** A package-lock.json. */
export interface Lock {
  readonly packages: Readonly<Record<string, Locked>>
}
interface Locked extends Manifest {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly hasInstallScript?: boolean
  readonly link?: boolean
}

/** The packages that may run a script when they are installed, each with its reason. */
export type Allowed = readonly (readonly [name: RegExp, reason: string])[]

const REGISTRY = 'https://registry.npmjs.org/'
const EXACT = /^\d+\.\d+\.\d+(-[\w.-]+)?$/
const STRONG = /^sha512-/

/** What is wrong with the ranges of a package.json, as `name: why`. */
export function faultsOfManifest(manifest: Manifest): string[] {
  const { dependencies, devDependencies, optionalDependencies, peerDependencies } = manifest
  return [dependencies, devDependencies, optionalDependencies, peerDependencies]
    .flatMap((versions) => Object.entries(versions ?? {}))
    .filter(([, version]) => !EXACT.test(version))
    .map(([name, version]) => `${name}: ${version} is no exact version`)
}

/** What is wrong with a package-lock.json, as `place: why`. Without `resolved` a package is of the registry. */
export function faultsOfLock({ packages }: Lock, allowed: Allowed): string[] {
  // What lies elsewhere is of this repository, and has a manifest of its own.
  const installed = Object.entries(packages).filter(([place, { link }]) => place.includes('node_modules/') && !link)
  return installed.flatMap(([place, { version = '', resolved = REGISTRY, integrity = '', hasInstallScript }]) => {
    const name = place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length)
    const faults = [
      [!EXACT.test(version), 'no exact version'],
      [!resolved.startsWith(REGISTRY), `not from the registry: ${resolved}`],
      [!STRONG.test(integrity), 'no checksum by SHA-512'],
      [
        hasInstallScript === true && !allowed.some(([one]) => one.test(name)),
        'a script that runs when it is installed',
      ],
    ] as const
    return faults.filter(([broken]) => broken).map(([, why]) => `${place}: ${why}`)
  })
}
