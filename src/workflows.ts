import recover from '../examples/recover.yml'
import byHand from '../examples/release-by-hand.yml'
import release from '../examples/release.yml'
import rollback from '../examples/rollback.yml'
import status from '../examples/status.yml'

/** A file to be written, relative to the repository. */
export type NewFile = { path: string; text: string }

/** What stands for this product in the examples. */
const PLACEHOLDER = 'OWNER/progressdb-rollout@0000000000000000000000000000000000000000 # v1.0.0'

/** `builds`: the releases come from here, and whether a workflow for that is there already. */
export type Repository = { builds: boolean; hasRelease: boolean }

/**
 * The workflows of a fleet over ssh: the examples, with the key and the known hosts, and on a runner of GitHub's. `uses`: this
 * product with its commit, where that is known. Where the repository has a release workflow already, only the jobs for it.
 */
export function workflowsOf(uses: string | undefined, here: Repository): NewFile[] {
  const fit = (text: string): string =>
    overSsh(uses === undefined ? text : text.replaceAll(PLACEHOLDER, uses))
  return [
    first(here, fit),
    { path: '.github/workflows/rollback.yml', text: fit(rollback) },
    { path: '.github/workflows/recover.yml', text: fit(recover) },
    { path: '.github/workflows/rollout-status.yml', text: fit(status) },
  ]
}

function first({ builds, hasRelease }: Repository, fit: (text: string) => string): NewFile {
  if (!builds) return { path: '.github/workflows/rollout.yml', text: fit(byHand) }
  return hasRelease
    ? { path: '.github/rollout-jobs.yml', text: jobsOf(fit(release)) }
    : { path: '.github/workflows/release.yml', text: fit(release) }
}

const overSsh = (text: string): string =>
  text
    .replaceAll(
      /runs-on: \[self-hosted, progressdb\](?: # must reach the nodes)?/g,
      'runs-on: ubuntu-latest # must reach the nodes: else a self-hosted runner, or `ssh: { jump: … }` in the fleet file',
    )
    .replaceAll(
      /^( +)keys: \|$/gm,
      (line, indent: string) =>
        `${indent}ssh-key: \${{ secrets.ROLLOUT_SSH_KEY }}\n${indent}ssh-known-hosts: \${{ vars.ROLLOUT_KNOWN_HOSTS }}\n${line}`,
    )

/** The jobs behind the first, for a workflow that builds and publishes already. */
const jobsOf = (text: string): string =>
  `# Two jobs for the workflow that publishes the release: copy them below its own, and name that job in \`needs\`.\njobs:\n${text.slice(text.indexOf('  rollout:\n'))}`
