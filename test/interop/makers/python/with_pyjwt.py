"""Proofs of PyJWT."""

import jwt
from contract import claims_of, serve_proofs
from cryptography.hazmat.primitives.serialization import load_pem_private_key

PUBLIC_MEMBERS = ("kty", "crv", "x", "y", "n", "e")


def make_proof(request):
    key = load_pem_private_key(request["pem"].encode(), None)
    public_jwk = {name: value for name, value in request["key"].items() if name in PUBLIC_MEMBERS}
    headers = {"typ": "dpop+jwt", "jwk": public_jwk}
    return jwt.encode(claims_of(request), key, request["alg"], headers)


serve_proofs(make_proof)
