/**
 * The implementations that make proofs, and how their programs in makers/ run. `packages` are those of Debian, the first one has the
 * version; `npm` is a package of node_modules. `build` compiles a program into a folder and returns its command.
 */

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The versions of the distribution, not those that may precede them in the path. */
const PYTHON = ['/usr/bin/python3', '-B']
const RUBY = ['/usr/bin/ruby']
const PERL = ['/usr/bin/perl']
const PHP = ['/usr/bin/php']
const BASH = ['/bin/bash']
const GO = '/usr/bin/go'

export const implementations = [
  npm('dpop', 'dpop.mjs'),
  npm('oauth4webapi', 'oauth4webapi.mjs'),
  npm('openid-client', 'openid-client.mjs'),
  npm('@modelcontextprotocol/client', 'mcp-client.mjs'),
  debian('jwcrypto', 'Python', PYTHON, 'python/with_jwcrypto.py', ['python3-jwcrypto']),
  debian('Authlib', 'Python', PYTHON, 'python/with_authlib.py', ['python3-authlib']),
  debian('PyJWT', 'Python', PYTHON, 'python/with_pyjwt.py', ['python3-jwt', 'python3-cryptography']),
  debian('json-jwt', 'Ruby', RUBY, 'ruby/json-jwt.rb', ['ruby-json-jwt']),
  debian('jwt', 'Ruby', RUBY, 'ruby/jwt.rb', ['ruby-jwt', 'ruby-rbnacl']),
  debian('Crypt::JWT', 'Perl', PERL, 'perl/crypt-jwt.pl', ['libcrypt-jwt-perl']),
  debian('José', 'C', BASH, 'c/jose.sh', ['jose']),
  {
    name: 'go-jose',
    language: 'Go',
    packages: ['golang-gopkg-square-go-jose.v2-dev', 'golang-go'],
    async build(folder) {
      const program = join(folder, 'go-jose')
      const env = { ...process.env, GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOCACHE: join(folder, 'go-cache') }
      await run(GO, ['build', '-o', program, maker('go/go-jose.go')], { env, timeout: 120_000 })
      return [program]
    }
  },
  debian('openssl and sodium', 'PHP', PHP, 'php/openssl.php', ['php-cli'])
]

function npm(name, file) {
  return { name, language: 'JavaScript', npm: name, build: async () => [process.execPath, maker(`javascript/${file}`)] }
}

function debian(name, language, interpreter, file, packages) {
  return { name, language, packages, build: async () => [...interpreter, maker(file)] }
}

function maker(path) {
  return fileURLToPath(new URL(`makers/${path}`, import.meta.url))
}
