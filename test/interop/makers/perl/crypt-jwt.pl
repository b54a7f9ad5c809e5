# Proofs of Crypt::JWT. Writes its algorithms, then one proof for each line of standard input.

use strict;
use warnings;
use Crypt::JWT qw(encode_jwt);
use Crypt::PK::ECC;
use Crypt::PK::Ed25519;
use Crypt::PK::RSA;
use Crypt::PRNG qw(random_bytes_b64u);
use Digest::SHA qw(sha256);
use JSON::PP qw(decode_json encode_json);
use MIME::Base64 qw(encode_base64url);

$| = 1;
my %types = (RSA => 'Crypt::PK::RSA', EC => 'Crypt::PK::ECC', OKP => 'Crypt::PK::Ed25519');

print encode_json([qw(ES256 ES384 ES512 EdDSA PS256 PS384 PS512 RS256 RS384 RS512 ES256K)]), "\n";
while (my $line = <STDIN>) {
  print make_proof(decode_json($line)), "\n";
}

sub make_proof {
  my ($request) = @_;
  my $key = $types{ $request->{key}{kty} }->new(\$request->{pem});
  my %claims = (jti => random_bytes_b64u(16), htm => $request->{method}, htu => $request->{url}, iat => time);
  $claims{ath} = encode_base64url(sha256($request->{token})) if defined $request->{token};
  $claims{nonce} = $request->{nonce} if defined $request->{nonce};
  my %header = (typ => 'dpop+jwt', jwk => $key->export_key_jwk('public', 1));
  return encode_jwt(payload => \%claims, alg => $request->{alg}, key => $key, extra_headers => \%header);
}
