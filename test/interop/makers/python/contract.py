"""The contract of a maker: it writes its algorithms, then one proof for each line of standard input."""

import base64
import hashlib
import json
import sys
import time
import uuid

ALGORITHMS = ["ES256", "ES384", "ES512", "EdDSA", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512", "ES256K", "EdDSA Ed448"]


def serve_proofs(make_proof):
    print(json.dumps(ALGORITHMS), flush=True)
    for line in sys.stdin:
        print(make_proof(json.loads(line)), flush=True)


def claims_of(request):
    claims = {"jti": str(uuid.uuid4()), "htm": request["method"], "htu": request["url"], "iat": int(time.time())}
    if "token" in request:
        digest = hashlib.sha256(request["token"].encode()).digest()
        claims["ath"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    if "nonce" in request:
        claims["nonce"] = request["nonce"]
    return claims
