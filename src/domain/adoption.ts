import type { Problem } from './errors.ts'
import { printable, Untrusted } from './text.ts'

/** A node as an adoption finds it; every text is the node's own. */
export type AdoptionFacts = {
  node: string
  unit: string
  user: string
  /** As it is written in the unit. */
  execStart: string
  binaryPath: string
  binarySha: string
  /** Which package the binary belongs to; '' for none. */
  package: string
  /** sha256 of what runs, as its own user sees it; '' where nothing does. */
  runs: string
  /** The server's configuration file and data folder as the fleet file names them. */
  config: string
  dataPath: string
  dataOwner: string
  data: string
  /** Its user cannot write in the folder above the data. */
  aboveIsClosed: boolean
  protectSystem: string
  /** It goes on when its user has logged out. */
  linger: boolean
}

/** Why a node cannot be adopted as it is; [] when it can. Nothing is guessed. */
export const adoptionProblems = (f: AdoptionFacts): Problem[] =>
  [...ofTheUnit(f), ...ofTheBinary(f), ...ofTheData(f)].map(p => ({ ...p, where: f.node }))

function ofTheUnit(f: AdoptionFacts): Problem[] {
  const unit = `${f.node}: ${f.unit}`
  if (!f.linger)
    return [
      {
        code: 'UNIT_WITHOUT_LINGER',
        what: `${unit} is a unit of ${f.user}, whose programs end when the last session of that user ends`,
        next: `on ${f.node}, as root:  loginctl enable-linger ${f.user}`,
      },
    ]
  if (f.execStart === 'several')
    return [
      {
        code: 'UNIT_STARTS_SEVERAL',
        what: `${unit} starts more than one program`,
        next: 'give the database a unit of its own',
      },
    ]
  if (!f.binaryPath.startsWith('/') || !/^[\w./+@-]+$/.test(f.binaryPath))
    return [
      {
        code: 'UNIT_STARTS_ODDLY',
        what: `${unit} does not start a program by a plain absolute path: ${shown(f.execStart)}`,
        next: 'write ExecStart= with the full path of the server, and no shell around it',
      },
    ]
  if (f.execStart.includes(f.config)) return []
  return [
    {
      code: 'CONFIG_NOT_IN_COMMAND',
      what: `${unit} does not name ${f.config} on its command line: ${shown(f.execStart)}`,
      because: 'a copy of the server is given a configuration of its own in its place',
      next: 'correct `config:` in the fleet file, or let ExecStart= name the file',
    },
  ]
}

function ofTheBinary(f: AdoptionFacts): Problem[] {
  if (f.runs === '')
    return [
      {
        code: 'NODE_STOPPED',
        what: `${f.node}: ${f.unit} does not run`,
        because: 'what runs is what is recorded as known to be good',
        next: `start it as you always do:  sudo systemctl start ${f.unit}`,
      },
    ]
  if (f.package !== '')
    return [
      {
        code: 'PACKAGE_OWNS_BINARY',
        what: `${f.node}: ${shown(f.binaryPath)} belongs to ${shown(f.package)}`,
        because:
          'the package manager would put another version in its place at its next upgrade, without a snapshot and without a way back',
        next: 'install the server from its release instead (a file that no package owns), start it from there, and adopt that',
      },
    ]
  if (f.binarySha === f.runs) return []
  return [
    {
      code: 'BINARY_REPLACED',
      what: `${f.node}: ${shown(f.binaryPath)} is not the binary that runs`,
      because: 'it was replaced on disk since the server was started, or may not be read',
      next: `see which one is right; then  sudo systemctl restart ${f.unit}  and adopt again`,
    },
  ]
}

function ofTheData(f: AdoptionFacts): Problem[] {
  if (f.data !== 'progressdb')
    return [
      {
        code: 'DATA_NOT_FOUND',
        what: `${f.node}: ${f.dataPath} is not the data of this service (${shown(f.data)})`,
        next: "correct `data:` in the fleet file: the folder that the server's `db_path` names",
      },
    ]
  if (f.dataOwner !== f.user)
    return [
      {
        code: 'DATA_NOT_SERVICES',
        what: `${f.node}: ${f.dataPath} belongs to ${shown(f.dataOwner)}, and ${f.unit} runs as ${f.user}`,
        because: 'only the user of the service may copy and rename its data',
        next: `if it is the right folder:  sudo chown -R ${f.user}: ${f.dataPath}`,
      },
    ]
  if (!f.aboveIsClosed || f.protectSystem !== 'strict') return []
  const home = `${f.dataPath}.node`
  return [
    {
      code: 'DATA_CANNOT_MOVE',
      what: `${f.node}: the data must get a folder of its own above it, and ${f.unit} sees the disk through a sandbox (ProtectSystem=strict)`,
      because: 'a running server would lose its data folder if it were moved now',
      next: `at a quiet hour:  sudo systemctl stop ${f.unit} && sudo install -d -o ${f.user} -m 750 ${home} && sudo mv ${f.dataPath} ${home}/data && sudo ln -s ${home}/data ${f.dataPath} && sudo systemctl start ${f.unit}`,
    },
  ]
}

const shown = (text: string): string => printable(new Untrusted(text), 200)
