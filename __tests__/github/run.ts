import { type Place, user } from './world.ts'

const AT = '2026-11-23T22:00:00Z'
const PARTS =
  'archive assignees blobs branches collaborators comments commits compare contents contributors deployments downloads events forks git_commits git_refs git_tags hooks issue_comment issue_events issues keys labels languages merges milestones notifications pulls releases stargazers statuses subscribers subscription tags teams trees'

const repositoryOf = ({ base, owner, repo }: Place) => {
  const url = `${base}/repos/${owner}/${repo}`
  return {
    id: 1,
    node_id: 'R_1',
    name: repo,
    full_name: `${owner}/${repo}`,
    owner: user(base, owner),
    private: false,
    html_url: `${base}/${owner}/${repo}`,
    description: null,
    fork: false,
    url,
    ...Object.fromEntries(PARTS.split(' ').map(part => [`${part}_url`, `${url}/${part}`])),
  }
}

/** A run of a workflow with every field that the description requires. */
export const runOf = (
  place: Place,
  run: { id: number; status: string; conclusion?: string; attempt?: number },
) => {
  const url = `${place.base}/repos/${place.owner}/${place.repo}/actions/runs/${run.id}`
  return {
    id: run.id,
    node_id: `WFR_${run.id}`,
    name: 'release',
    head_branch: 'main',
    head_sha: '0'.repeat(40),
    path: '.github/workflows/release.yml',
    display_title: 'release',
    run_number: 1,
    run_attempt: run.attempt ?? 1,
    event: 'push',
    status: run.status,
    conclusion: run.conclusion ?? null,
    workflow_id: 1,
    check_suite_id: 1,
    url,
    html_url: `${place.base}/${place.owner}/${place.repo}/actions/runs/${run.id}`,
    pull_requests: [],
    created_at: AT,
    updated_at: AT,
    jobs_url: `${url}/jobs`,
    logs_url: `${url}/logs`,
    check_suite_url: `${place.base}/check-suites/1`,
    artifacts_url: `${url}/artifacts`,
    cancel_url: `${url}/cancel`,
    rerun_url: `${url}/rerun`,
    workflow_url: `${place.base}/workflows/1`,
    head_commit: null,
    repository: repositoryOf(place),
    head_repository: repositoryOf(place),
  }
}
