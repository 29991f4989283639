import { expect, test } from 'vitest'
import { fingerprint, hostKeysIn, knownHostsFile, knownHostsLine } from '../../src/domain/host-keys.ts'

const ED = 'AAAAC3NzaC1lZDI1NTE5AAAAIDeZ8K10Ix+CmPoqSh6lDK1/LodU3p0nB85ButyQ6CH3'
const RSA = 'AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7'.padEnd(64, 'A')

test('keys are read from whatever ssh-keyscan and ssh-keygen print, the newest kind first, under the name that is used', () => {
  const at = { host: '10.0.0.1', port: 2222 }
  const keys = hostKeysIn(
    `# 10.0.0.1:2222 SSH-2.0-OpenSSH_9.2\n[10.0.0.1]:2222 ssh-rsa ${RSA}\n|1|salt=|hash= ssh-ed25519 ${ED} a comment\nx ssh-dss ${ED}\n::warning::x ssh-ed25519 short\n`,
    at,
  )
  expect(keys.map(knownHostsLine)).toEqual([
    `[10.0.0.1]:2222 ssh-ed25519 ${ED}`,
    `[10.0.0.1]:2222 ssh-rsa ${RSA}`,
  ])
})

test('the fingerprint is that of ssh-keygen -l', () => {
  const [key] = hostKeysIn(`h ssh-ed25519 ${ED}`, { host: 'h', port: 22 })
  if (!key) throw new Error('no key')
  // ssh-keygen -lf on that line
  expect(fingerprint(key)).toBe('SHA256:v9H0MvdFxj1Isv/ChMl9+4HzMnjAHa4mD7B0Lp46f58')
  expect(knownHostsFile([key], 'compared')).toContain(
    `# h ssh-ed25519 ${fingerprint(key)}\nh ssh-ed25519 ${ED}\n`,
  )
})

test('a key that is revoked is none', () => {
  const at = { host: 'h', port: 22 }
  expect(hostKeysIn(`h ssh-ed25519 ${ED}\n@revoked * ssh-ed25519 ${ED}\nh ssh-rsa ${RSA}`, at)).toMatchObject(
    [{ type: 'ssh-rsa' }],
  )
})
