#!/usr/bin/env bash
# Proofs of the command jose. Writes its algorithms, then one proof for each line of standard input.
set -euo pipefail

printf '[%s]\n' "$(jose alg -k sign | grep -v '^HS' | sed 's/.*/"&"/' | paste -sd,)"
while read -r line; do
  # Fails if the request does not have the member.
  member() { jose fmt -j "$line" -g "$1" -u- 2>/dev/null; }

  key=$(jose fmt -j "$line" -g key -o-)
  public=$(jose jwk pub -i- -o- <<<"$key")
  claims=$(printf '"jti":"%s","htm":"%s","htu":"%s","iat":%d' "$(</proc/sys/kernel/random/uuid)" "$(member method)" "$(member url)" "$EPOCHSECONDS")
  if token=$(member token); then
    hex=$(printf %s "$token" | sha256sum | cut -d' ' -f1)
    ath=$(printf '%b' "$(sed 's/../\\x&/g' <<<"$hex")" | jose b64 enc -I-)
    claims+=",\"ath\":\"$ath\""
  fi
  if nonce=$(member nonce); then claims+=",\"nonce\":\"$nonce\""; fi
  header=$(printf '{"typ":"dpop+jwt","alg":"%s","jwk":%s}' "$(member alg)" "$public")
  printf '{%s}' "$claims" | jose jws sig -I- -k <(echo "$key") -s "{\"protected\":$header}" -c -o-
  echo
done
