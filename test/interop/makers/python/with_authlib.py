"""Proofs of Authlib."""

import json

from authlib.jose import JsonWebKey, JsonWebSignature
from contract import claims_of, serve_proofs

jws = JsonWebSignature()


def make_proof(request):
    key = JsonWebKey.import_key(request["key"])
    header = {"typ": "dpop+jwt", "alg": request["alg"], "jwk": key.as_dict(is_private=False)}
    return jws.serialize_compact(header, json.dumps(claims_of(request)), key).decode()


serve_proofs(make_proof)
