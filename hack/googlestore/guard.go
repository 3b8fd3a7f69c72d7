package main

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
)

// guard lets requests pass that carry a token signed with the key, and reads of the public bucket.
type guard struct {
	key    any
	public string
	next   http.Handler
}

func (g guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, signed := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case signed && g.isValid(token):
		g.next.ServeHTTP(w, r)
	case signed:
		refuse(w, http.StatusUnauthorized, "AuthenticationRequired", "The token is not signed by a known key.")
	case r.Method == http.MethodGet && g.public != "" && strings.HasPrefix(r.URL.Path, "/"+g.public+"/"):
		g.next.ServeHTTP(w, r)
	default:
		refuse(w, http.StatusForbidden, "AccessDenied", "Anonymous caller does not have access.")
	}
}

func (g guard) isValid(token string) bool {
	signedPart, signature, found := cutLast(token, ".")
	key, isRSA := g.key.(*rsa.PublicKey)
	raw, err := base64.RawURLEncoding.DecodeString(signature)
	if !found || !isRSA || err != nil {
		return false
	}
	digest := sha256.Sum256([]byte(signedPart))
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], raw) == nil
}

func cutLast(text, separator string) (string, string, bool) {
	place := strings.LastIndex(text, separator)
	if place < 0 {
		return text, "", false
	}
	return text[:place], text[place+len(separator):], true
}
