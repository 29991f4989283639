/** What a node is made of: read with every inspection, never hashed into a plan unless named there. Sizes in bytes. */
export type NodeFacts = {
  /** Machine id and data path: the node's own identity, and the order in which leases are taken. */
  identity: string
  os: string
  arch: string
  adopted: boolean
  /** Path of the configured data folder resolved, and what lies there. */
  data: 'progressdb' | 'empty' | 'missing' | 'foreign' | 'unreadable' | 'mount'
  bytes: number
  /** Bytes of files that are not immutable: what a link-mode checkpoint copies. */
  mutableBytes: number
  diskFree: number
  diskTotal: number
  /** Memory of the machine that is to spare, and what the running server holds (0 when none runs). */
  memoryFree: number
  memoryUsed: number
  /** How immutable files get into a checkpoint here, tried with a real file. */
  checkpoint: 'reflink' | 'link' | 'copy'
  /** sha256 of the configuration file and of `config-next`, '' when missing. */
  configSha: string
  configNextSha: string
  /** The server's configuration file as text, for the probe's port and the safe-stop rule; never printed. */
  configText: string
  pid: number | 'none'
  /** Identifies the running process: `<pid> <start time> <boot id>`, '' when none. */
  process: string
  /** sha256 of the running executable where it is not an installed release. */
  foreignExe?: string
  /** A process that we did not start and that has the data open: its pid, or `other` when the kernel does not say. */
  stranger?: string
  /** File with the server's own output since its last start; '' for one that was adopted. */
  serverLog: string
  /**
   * The rehearsal's folder (`<folder>/data` is the copy, `<folder>/config` its configuration) and the guest that runs there:
   * `process` '' when none does, `exit` its status once it ended, `log` its output.
   */
  staging: { folder: string; process: string; exit?: string; log: string }
  /** Where systemd looks after the server. */
  unit?: UnitFacts
  /** Where it runs in a container. */
  container?: ContainerFacts
}

/** A container of Docker, as its labels, mounts and settings tell it. */
export type ContainerFacts = {
  /** As Docker names it (`running`, `exited`, …), or `missing`. */
  status: string
  /** The tool that made it and looks after it, in words; '' for none. */
  managedBy: string
  removesItself: boolean
  /** Where the server sees its data folder and its configuration; '' where no mount holds them. */
  servedAs: string
  configAs: string
  /** The same on the machine, as the fleet file names them. */
  data: string
  config: string
}

/** A unit as the user of its server sees it. */
export type UnitFacts = {
  /** Its user, as systemd names it, and whom the data folder belongs to. */
  user: string
  dataOwner: string
  /** The data folder, as the fleet file names it. */
  data: string
  /** What it says of restarts, limits and times, as systemd names them; '' while a rollout has set that aside. */
  settings: string
  /** Which adoption wrote it, a digest; empty where there is none. */
  madeBy: string
  /** The dead man's switch is there, and so it can be armed. */
  hasSwitch: boolean
  /** Files that are not what they were when the node was adopted: the unit's own, and those of the adoption. */
  changedSince: string[]
  /** What the user of the service could change and must not: releases, record, lease. */
  exposed: string[]
  /** The folder above the data, where its user cannot write there: nothing could be kept or renamed beside the data. */
  unwritable: string
  /** The configuration file cannot be replaced by the user of the service. */
  configFixed: boolean
}
