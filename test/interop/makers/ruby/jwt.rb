# Proofs of the gem jwt.

require 'jwt'
require_relative 'contract'

ALGORITHMS = %w[ES256 ES384 ES512 PS256 PS384 PS512 RS256 RS384 RS512 ES256K]

serve_proofs(ALGORITHMS) do |request|
  key = OpenSSL::PKey.read(request['pem'])
  JWT.encode(claims_of(request), key, request['alg'], { typ: 'dpop+jwt', jwk: JWT::JWK.new(key).export })
end
