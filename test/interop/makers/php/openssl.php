<?php
// Proofs of PHP's extensions openssl and sodium, without a JOSE library. Writes its algorithms, then one proof for each line of
// standard input.

/** The size of an integer of a signature, in bytes (RFC 7518 §3.4, RFC 8812 §3.2). */
const SIZES = ['ES256' => 32, 'ES384' => 48, 'ES512' => 66, 'ES256K' => 32];

echo json_encode(['ES256', 'ES384', 'ES512', 'EdDSA', 'RS256', 'RS384', 'RS512', 'ES256K']), "\n";
while (($line = fgets(STDIN)) !== false) {
    echo make_proof(json_decode($line, true, flags: JSON_THROW_ON_ERROR)), "\n";
}

function make_proof(array $request): string
{
    ['alg' => $alg, 'key' => $key] = $request;
    $public = array_intersect_key($key, array_flip(['kty', 'crv', 'x', 'y', 'n', 'e']));
    $header = ['typ' => 'dpop+jwt', 'alg' => $alg, 'jwk' => $public];
    $input = encode(to_json($header)) . '.' . encode(to_json(claims_of($request)));
    return $input . '.' . encode(sign($input, $request));
}

function claims_of(array $request): array
{
    $claims = ['jti' => encode(random_bytes(16)), 'htm' => $request['method'], 'htu' => $request['url'], 'iat' => time()];
    if (isset($request['token'])) {
        $claims['ath'] = encode(hash('sha256', $request['token'], true));
    }
    if (isset($request['nonce'])) {
        $claims['nonce'] = $request['nonce'];
    }
    return $claims;
}

function sign(string $input, array $request): string
{
    ['alg' => $alg, 'key' => $key, 'pem' => $pem] = $request;
    if ($alg === 'EdDSA') {
        $pair = sodium_crypto_sign_seed_keypair(decode($key['d']));
        return sodium_crypto_sign_detached($input, sodium_crypto_sign_secretkey($pair));
    }
    openssl_sign($input, $signature, $pem, 'sha' . substr($alg, 2, 3)) || throw new RuntimeException(openssl_error_string());
    return isset(SIZES[$alg]) ? join_integers($signature, SIZES[$alg]) : $signature;
}

/** The two integers of a DER signature, as octet strings of one size (RFC 7518 §3.4). */
function join_integers(string $der, int $size): string
{
    $offset = ord($der[1]) === 0x81 ? 3 : 2;
    $joined = '';
    for ($i = 0; $i < 2; $i++) {
        $length = ord($der[$offset + 1]);
        $joined .= str_pad(ltrim(substr($der, $offset + 2, $length), "\0"), $size, "\0", STR_PAD_LEFT);
        $offset += 2 + $length;
    }
    return $joined;
}

function to_json(array $value): string
{
    return json_encode($value, JSON_UNESCAPED_SLASHES | JSON_THROW_ON_ERROR);
}

function encode(string $bytes): string
{
    return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
}

function decode(string $encoded): string
{
    return base64_decode(strtr($encoded, '-_', '+/'), true);
}
