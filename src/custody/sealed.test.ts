import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { fromBase64url } from '../core/crypto/base64url.ts'
import { seal, unseal } from './sealed.ts'

test('opens the example of docs/formats/vault.md', async () => {
  const page = await readFile(new URL('../../docs/formats/vault.md', import.meta.url), 'utf8')
  const [, json] = /```json\n(.*?)```/s.exec(page)!
  const { vaultKey, key, groupKey, wrappedKey } = JSON.parse(json!)
  const opened = unseal(fromBase64url(key), `concordat-vault/1|${vaultKey}`, fromBase64url(wrappedKey))
  assert.deepEqual(opened && new Uint8Array(opened), fromBase64url(groupKey))
})

test('opens what it sealed, in its own place only', () => {
  const key = new Uint8Array(32).fill(1)
  const sealed = seal(key, 'here', Buffer.from('secret'))
  assert.equal(Buffer.from(unseal(key, 'here', sealed)!).toString(), 'secret')
  assert.equal(unseal(key, 'there', sealed), undefined)
  assert.equal(unseal(new Uint8Array(32).fill(2), 'here', sealed), undefined)
  assert.equal(unseal(key, 'here', new Uint8Array(5)), undefined)
})
