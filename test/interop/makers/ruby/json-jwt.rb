# Proofs of the gem json-jwt.

require 'json/jwt'
require_relative 'contract'

ALGORITHMS = %w[ES256 ES384 ES512 PS256 PS384 PS512 RS256 RS384 RS512 ES256K]

serve_proofs(ALGORITHMS) do |request|
  key = OpenSSL::PKey.read(request['pem'])
  jwt = JSON::JWT.new(claims_of(request))
  jwt.header.merge!(typ: 'dpop+jwt', jwk: JSON::JWK.new(key).slice(:kty, :crv, :x, :y, :n, :e))
  jwt.sign(key, request['alg'].to_sym).to_s
end
