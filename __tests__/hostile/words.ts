/**
 * Everything that a stranger's text may try: workflow commands, a terminal, Markdown, HTML, tables, Mermaid. What it would do is
 * seen in the runner: `db-1` blotted out, an output, an annotation that says `owned`, no more commands heard.
 */
export const EVIL = [
  'evil \u001b[31mred\u001b[0m \u001b]0;owned\u0007 \u009b31m',
  '\r::error::owned',
  '\n::set-output name=outcome::promoted',
  '\n::add-mask::db-1',
  '\n##[error]owned ##[add-mask]db-1',
  '\n::stop-commands::owned',
  '\n  ::warning file=a,line=1::owned',
  '\u2028::notice::owned\u0085::notice::owned',
  '\n</details></summary></table>',
  '\n| a | b | c | d | e | f | g | h |\n|---|---|---|---|---|---|---|---|\n',
  '\n```\n\n# owned\n\n- [x] owned\n',
  '\n<img src=x onerror=alert(1)> <script>owned</script> [x](javascript:owned) ![y](https://owned.example/y) @octocat #1',
  '\n\u202edenwo\u202c \u2066owned\u2069',
  '\n%%{init: {}}%% ; end --> A:::owned : 2020-01-01, 5d "quoted" \\',
].join('')

/** The same, and then a line of a megabyte. */
export const LONG = `BREAKING CHANGE: ${EVIL}\n${EVIL} ${'A'.repeat(1_000_000)} ::error::owned`
