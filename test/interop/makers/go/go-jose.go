// Proofs of go-jose. Writes its algorithms, then one proof for each line of standard input.
package main

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	jose "gopkg.in/square/go-jose.v2"
)

type request struct {
	Method string                  `json:"method"`
	URL    string                  `json:"url"`
	Alg    jose.SignatureAlgorithm `json:"alg"`
	Key    jose.JSONWebKey         `json:"key"`
	Token  string                  `json:"token"`
	Nonce  string                  `json:"nonce"`
}

type claims struct {
	JTI   string `json:"jti"`
	HTM   string `json:"htm"`
	HTU   string `json:"htu"`
	IAT   int64  `json:"iat"`
	ATH   string `json:"ath,omitempty"`
	Nonce string `json:"nonce,omitempty"`
}

func main() {
	fmt.Println(`["ES256", "ES384", "ES512", "EdDSA", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"]`)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		proof, err := makeProof(lines.Bytes())
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(proof)
	}
}

func makeProof(line []byte) (string, error) {
	var r request
	if err := json.Unmarshal(line, &r); err != nil {
		return "", err
	}
	options := (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: r.Alg, Key: r.Key}, options)
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(claimsOf(r))
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

func claimsOf(r request) claims {
	jti := make([]byte, 16)
	if _, err := rand.Read(jti); err != nil {
		log.Fatal(err)
	}
	c := claims{JTI: base64.RawURLEncoding.EncodeToString(jti), HTM: r.Method, HTU: r.URL, IAT: time.Now().Unix(), Nonce: r.Nonce}
	if r.Token != "" {
		digest := sha256.Sum256([]byte(r.Token))
		c.ATH = base64.RawURLEncoding.EncodeToString(digest[:])
	}
	return c
}
