import { expect, test } from 'vitest'
import { containerServer } from '../../src/service/docker.ts'

test.each([
  ['docker.io/progressdb/progressdb', 'progressdb/progressdb'],
  ['index.docker.io/library/db', 'db'],
  ['progressdb/progressdb', 'progressdb/progressdb'],
  ['ghcr.io/library/db', 'ghcr.io/library/db'],
  ['localhost:5000/db', 'localhost:5000/db'],
])('the image %s is called %s, as in the digests that Docker keeps', (written, image) => {
  const rest = { container: 'db', tag: '{version}', socket: '/run/d.sock', program: 'none' }
  expect(containerServer({ kind: 'docker', image: written, ...rest })).toEqual({
    kind: 'docker',
    image,
    ...rest,
    program: '',
    cleanExits: ['0', '143'],
  })
})
