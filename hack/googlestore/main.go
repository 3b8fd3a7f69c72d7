// A Google Cloud Storage server for tests: fake-gcs-server over a folder, behind what of the XML API it leaves out.
//
// fake-gcs-server answers the JSON API whole, preconditions included, and of the XML API reads and unpaged listings.
// Clients of the XML API say preconditions in headers, list in pages and upload in parts: here these become calls of
// the server beneath, which alone decides what is stored.
package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"
)

func main() {
	address := flag.String("address", "", "host:port to listen on")
	folder := flag.String("folder", "", "folder of the buckets")
	key := flag.String("key", "", "PEM file of the public key that tokens are signed with")
	public := flag.String("public", "", "bucket whose objects anyone may read")
	flag.Parse()

	verifier, err := readKey(*key)
	if err != nil {
		log.Fatal(err)
	}
	store, err := fakestorage.NewServerWithOptions(fakestorage.Options{
		StorageRoot: *folder, NoListener: true, PublicHost: *address, Writer: io.Discard,
	})
	if err != nil {
		log.Fatal(err)
	}
	guarded := guard{key: verifier, public: *public, next: newFront(store, *address)}
	server := &http.Server{Addr: *address, Handler: guarded, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
		<-stop
		// What has begun is stored whole or not at all.
		ending, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(ending)
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}

func readKey(path string) (any, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New(path + " has no PEM")
	}
	return x509.ParsePKIXPublicKey(block.Bytes)
}
