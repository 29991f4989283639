import * as z from 'zod/mini'
import {
  command,
  described,
  duration,
  nodeName,
  oneOrMore,
  path,
  route,
  text,
  whole,
  yesOrNo,
} from './leaf.ts'

/** What is rolled out, where it lies, and how it is started. */

const ENVIRONMENT_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/

export const httpProfile = z.strictObject(
  {
    health: described(route(), 'Answers 200 while the process is alive.'),
    ready: described(route(), 'Answers 200 once the service takes requests.'),
    version: z.optional(
      described(
        z.strictObject(
          {
            path: described(route(), 'Answers JSON that holds the version.'),
            field: described(text(/^[\w.-]{1,60}$/, 'the name of a JSON field'), 'Field with the version.'),
          },
          'path and field of the version',
        ),
        'Where the version is shown; without it the version is known by the hash of the binary only.',
      ),
    ),
  },
  'the paths of the service: health, ready and, where it has one, version',
)

export const processService = z.strictObject(
  {
    args: z.optional(
      described(
        z.array(
          text(/^[^\0]{0,4000}$/s, 'an argument as text, in quotes where it is a number'),
          'a list of arguments',
        ),
        'Arguments of the server; {config} and {data} are replaced. Default for progressdb: --config {config}.',
      ),
    ),
    env: z.prefault(
      described(
        z.record(
          text(ENVIRONMENT_NAME, 'the name of an environment variable'),
          text(/^[^\0\r\n]{0,4000}$/, 'the value as text on one line, in quotes where it is a number'),
          'a mapping of names to values',
        ),
        'The whole environment of the server. Nothing is inherited. No secrets: this file is in the repository.',
      ),
      {},
    ),
  },
  'args and env of the server, or {}',
)

export const unitService = z.strictObject(
  {
    unit: described(
      text(/^[A-Za-z0-9][A-Za-z0-9:_.@-]{0,120}\.service$/, 'the name of a unit, such as progressdb.service'),
      'The unit that runs the server, as systemctl names it. Its User= owns the data.',
    ),
    user: described(
      z.prefault(yesOrNo(), false),
      'It is a unit of the user that logs in (systemctl --user): nobody has to be root, and the two users are not kept apart.',
    ),
  },
  'unit: and its name',
)

const IMAGE_NAME = String.raw`[a-z0-9][a-z0-9._-]*(?::[0-9]{1,5})?(?:/[a-z0-9][a-z0-9._-]*)*`
export const containerService = z.strictObject(
  {
    container: described(
      text(
        /^(?:[A-Za-z0-9]|\{name\})(?:[A-Za-z0-9_.-]|\{name\}){0,80}$/,
        'the name of a container, such as progressdb',
      ),
      "The container that runs the server, as docker ps names it; {name} is the node's.",
    ),
    image: described(
      text(
        new RegExp(`^${IMAGE_NAME}:[A-Za-z0-9_.-]*\\{(?:version|number)\\}[A-Za-z0-9_.-]*$`),
        'an image with the version in its tag, such as ghcr.io/progressdb/progressdb:{version}',
      ),
      'The image of a release; {version} is v0.2.2, {number} is 0.2.2. It is asked for once, and then used by its digest.',
    ),
    program: described(
      z.optional(text(/^(?:none|\/[\w.@+=,:~/-]{1,200})$/, 'a path in the image, or none')),
      "Path of the server in the image, which must hold the bytes of the release's archive; none where the image is built apart. Default: /usr/local/bin/ and the binary.",
    ),
    socket: described(z.prefault(path(), '/var/run/docker.sock'), 'Socket of the Docker daemon on the node.'),
  },
  'container and image of the server',
)

const places = {
  install: described(z.optional(path()), 'Folder for releases and the state of the rollout.'),
  data: described(z.optional(path()), 'Data folder of the service.'),
  config: described(
    z.optional(path()),
    "The service's own configuration file. Default: config.yaml in install.",
  ),
  'config-next': described(
    z.optional(path()),
    'The configuration file for the new version, where it differs.',
  ),
}

export const node = z.strictObject(
  {
    name: described(nodeName(), 'Name in logs, reports and {name}.'),
    host: described(
      z.optional(text(/^[A-Za-z0-9:][A-Za-z0-9.:-]{0,252}$/, 'a host name or an IP address')),
      'With ssh the machine, by default the name. Else where its HTTP interface listens, by default 127.0.0.1.',
    ),
    port: described(
      z.optional(whole(1, 65_535, 'a port from 1 to 65535')),
      'Port of its HTTP interface. Default: 8080.',
    ),
    url: described(
      z.optional(
        text(/^https?:\/\/[^\s/?#@"'\\]+(?:\/[\w./~%-]*)?$/, 'an address such as http://127.0.0.1:8080'),
      ),
      'Address of its HTTP interface, instead of host and port.',
    ),
    ...places,
  },
  'a node name, or a mapping with name, host, port, url, install, data, config, config-next',
)

const HOST = String.raw`[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?`
const USER = String.raw`[A-Za-z_][A-Za-z0-9_.-]{0,31}`

export const ssh = z.strictObject(
  {
    user: described(
      text(new RegExp(`^${USER}$`), 'the name of a user, such as deploy'),
      'Who logs in, and owns releases, record and lease on the nodes.',
    ),
    port: described(z.prefault(whole(1, 65_535, 'a port from 1 to 65535'), 22), 'Port of sshd.'),
    jump: described(
      z.optional(
        text(
          new RegExp(`^(?:${USER}@)?${HOST}(?::[1-9][0-9]{0,4})?$`),
          'a jump host such as bastion.example.org or deploy@bastion:2222',
        ),
      ),
      'A host that the connections go through.',
    ),
    connect: described(
      z.prefault(z.enum(['tunnel', 'direct'], 'tunnel or direct'), 'tunnel'),
      "How HTTP reaches the nodes: through the ssh connection, or straight to the node's address.",
    ),
    'plain-http': described(
      z.prefault(yesOrNo(), false),
      'With connect: direct, send requests and API keys unencrypted.',
    ),
    ca: described(
      z.optional(text(/^[^\0\r\n]{1,400}$/, 'a file with certificates')),
      'Certificates (PEM) that nodes with https are checked against, instead of the usual ones.',
    ),
  },
  'user and, where they differ, port, jump, connect',
)

const DRAINS = 'none, or haproxy with socket and backend, or commands with out and in'

const RUNTIME_SOCKET =
  /^(?:\/[\w.@+=,:/-]{1,100}|(?:[A-Za-z0-9][A-Za-z0-9.-]{0,251}|\[[0-9A-Fa-f:]{2,45}\]):[1-9][0-9]{0,4})$/
const socket = () =>
  text(RUNTIME_SOCKET, 'a socket such as /run/haproxy/admin.sock, or lb-1.example.org:9999')
const balancer = () =>
  text(
    new RegExp(`^(?:${USER}@)?${HOST}(?::[1-9][0-9]{0,4})?$`),
    'a machine such as lb-1.example.org or deploy@lb-1:2222',
  )
const backend = () => text(/^[A-Za-z0-9_.:-]{1,80}$/, 'the name of a backend as HAProxy has it')

const haproxy = z.strictObject(
  {
    socket: described(
      oneOrMore(socket(), 'a socket, or a list of sockets'),
      'Runtime socket (stats socket, level admin) as the node reaches it, or the machine under via: a path, or host:port. A list where several HAProxies send to the nodes.',
    ),
    via: described(
      z.optional(oneOrMore(balancer(), 'a machine, or a list of machines')),
      'With ssh, the machine or machines that the socket is on, where the nodes cannot reach it: deploy@lb-1:22. Then no node can come home into traffic by itself.',
    ),
    backend: described(
      oneOrMore(backend(), 'a backend, or a list of backends'),
      'Backend that the nodes are servers of, or a list.',
    ),
    server: described(
      z.prefault(
        text(/^(?:[A-Za-z0-9_.:-]|\{name\}){1,80}$/, 'the name of a server, such as {name}'),
        '{name}',
      ),
      'Name of the node in the backend.',
    ),
    limit: described(
      z.prefault(duration(), '60s'),
      'How long requests under way may take to end, and HAProxy to find the server up again.',
    ),
    'at-limit': described(
      z.prefault(z.enum(['fail', 'close'], 'fail or close'), 'fail'),
      'Requests that have not ended by then: they keep the node in service (fail), or are cut off (close).',
    ),
  },
  'socket and backend of HAProxy',
)

const commands = z.strictObject(
  {
    out: described(command(), 'Takes the node out of traffic. Sees NODE_NAME and NODE_PORT; 0 is success.'),
    in: described(command(), 'Puts it back.'),
    check: described(
      z.optional(command()),
      'Changes nothing, and fails where out would: asked before a release.',
    ),
    limit: described(z.prefault(duration(), '30s'), 'How long each may take.'),
  },
  'the commands out and in',
)

export const drain = z.union(
  [
    z.literal('none', DRAINS),
    z.strictObject(
      {
        haproxy: z.optional(
          described(haproxy, 'HAProxy in front of the nodes, moved over its runtime socket.'),
        ),
        commands: z.optional(
          described(
            commands,
            'Shell commands, run on the node, that take it out of traffic and put it back.',
          ),
        ),
      },
      DRAINS,
    ),
  ],
  DRAINS,
)

export const fleetSettings = {
  profile: described(
    z.prefault(z.enum(['progressdb', 'http'], 'progressdb or http'), 'progressdb'),
    'What kind of service it is.',
  ),
  http: described(z.optional(httpProfile), 'Paths of the service; with profile http only.'),
  repository: described(
    z.optional(
      text(/^[A-Za-z0-9][A-Za-z0-9-]{0,38}\/[A-Za-z0-9._-]{1,100}$/, 'owner/name of a GitHub repository'),
    ),
    "Whose releases are rolled out. Default: the workflow's own repository.",
  ),
  releases: described(
    z.optional(
      z.strictObject(
        {
          directory: described(
            text(/^[^\0\r\n]{1,400}$/, "a folder laid out as goreleaser's dist/"),
            'Path of the folder.',
          ),
        },
        'directory: and a folder',
      ),
    ),
    "Take releases from a folder laid out as goreleaser's dist/ instead of from GitHub.",
  ),
  binary: described(
    z.optional(text(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'the file name of the program')),
    'Name of the program inside the archive. Default for progressdb: progressdb.',
  ),
  'require-image': described(
    z.optional(
      text(
        /^[A-Za-z0-9][A-Za-z0-9._:/@-]*(?:\{version\}[A-Za-z0-9._-]*)?$/,
        'an image such as ghcr.io/acme/app:{version}',
      ),
    ),
    'A container image that must exist too, and hold the very program of the release; {version} is replaced.',
  ),
  ssh: described(z.optional(ssh), 'The nodes are machines that are reached over ssh.'),
  local: described(
    z.optional(z.literal(true, 'true, or leave the line out')),
    'The nodes run on this machine.',
  ),
  process: described(
    z.optional(processService),
    'The service is a plain process that the rollout starts and stops.',
  ),
  systemd: described(z.optional(unitService), 'The service is a unit of systemd.'),
  docker: described(z.optional(containerService), 'The service is a container of Docker.'),
  ...places,
  nodes: described(
    z
      .array(z.union([nodeName(), node], 'a node name, or a mapping with name'), 'a list of nodes')
      .check(z.minLength(1, 'at least one node'), z.maxLength(500, 'at most 500 nodes')),
    'The nodes of the fleet, the canary first.',
  ),
  drain: described(z.prefault(drain, 'none'), 'How a node is taken out of traffic before it is stopped.'),
  environment: described(
    z.prefault(text(/^[\w][\w ./-]{0,99}$/, 'the name of a deployment environment'), 'production'),
    'Deployment environment on GitHub.',
  ),
}
