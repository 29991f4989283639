import type { ContainerService } from '../config/config.ts'
import type { ContainerServer } from './port.ts'

/** A container of Docker. 143 is a server without a handler for TERM (ProgressDB 0.1), whose every acknowledged write is on disk by then. */
export const containerServer = ({
  container,
  image,
  tag,
  socket,
  program,
}: ContainerService): ContainerServer => ({
  kind: 'docker',
  container,
  // as Docker itself calls what comes from its own registry
  image: image.replace(/^(?:index\.)?docker\.io\//, '').replace(/^library\//, ''),
  tag,
  socket,
  program: program === 'none' ? '' : program,
  cleanExits: ['0', '143'],
})
