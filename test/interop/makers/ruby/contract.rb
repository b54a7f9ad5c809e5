# The contract of a maker: it writes its algorithms, then one proof for each line of standard input.

require 'digest'
require 'json'
require 'securerandom'

def serve_proofs(algorithms)
  $stdout.sync = true
  puts algorithms.to_json
  $stdin.each_line { |line| puts yield(JSON.parse(line)) }
end

def claims_of(request)
  claims = { jti: SecureRandom.uuid, htm: request['method'], htu: request['url'], iat: Time.now.to_i }
  claims[:ath] = [Digest::SHA256.digest(request['token'])].pack('m0').tr('+/', '-_').delete('=') if request['token']
  claims[:nonce] = request['nonce'] if request['nonce']
  claims
end
