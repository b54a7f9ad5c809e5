"""Proofs of jwcrypto."""

from contract import claims_of, serve_proofs
from jwcrypto.jwk import JWK
from jwcrypto.jwt import JWT


def make_proof(request):
    key = JWK(**request["key"])
    header = {"typ": "dpop+jwt", "alg": request["alg"], "jwk": key.export_public(as_dict=True)}
    token = JWT(header=header, claims=claims_of(request))
    token.make_signed_token(key)
    return token.serialize()


serve_proofs(make_proof)
