package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"
)

const mostListed = 1000 // objects in a page, as Google has it

// front answers the XML API.
type front struct {
	store   *fakestorage.Server
	host    string // that the server beneath answers to
	lock    sync.Mutex
	uploads map[string]map[int][]byte
	begun   int
}

func newFront(store *fakestorage.Server, host string) *front {
	return &front{store: store, host: host, uploads: map[string]map[int][]byte{}}
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	bucket, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if _, err := f.store.Backend().GetBucket(bucket); err != nil {
		refuse(w, http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist.")
		return
	}
	query := r.URL.Query()
	switch {
	case name == "" && r.Method == http.MethodGet:
		f.list(w, bucket, query)
	case r.Method == http.MethodPost && query.Has("uploads"):
		f.beginUpload(w, bucket, name)
	case r.Method == http.MethodPut && query.Has("uploadId"):
		f.takePart(w, r, query)
	case r.Method == http.MethodPost && query.Has("uploadId"):
		f.completeUpload(w, r, bucket, name, query.Get("uploadId"))
	case r.Method == http.MethodDelete && query.Has("uploadId"):
		f.forget(query.Get("uploadId"))
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodPut:
		f.create(w, r, bucket, name, r.Body)
	default:
		f.pass(w, r)
	}
}

// pass hands over a read or a deletion, and says in XML what is not there.
func (f *front) pass(w http.ResponseWriter, r *http.Request) {
	inner := r.Clone(r.Context())
	inner.Host = f.host
	answer := httptest.NewRecorder()
	f.store.HTTPHandler().ServeHTTP(answer, inner)
	if answer.Code == http.StatusNotFound {
		refuse(w, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
		return
	}
	for header, values := range answer.Header() {
		w.Header()[header] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// create stores an object through the JSON API, which knows the precondition.
func (f *front) create(w http.ResponseWriter, r *http.Request, bucket, name string, content io.Reader) {
	query := url.Values{"uploadType": {"media"}, "name": {name}}
	if generation := r.Header.Get("x-goog-if-generation-match"); generation != "" {
		query.Set("ifGenerationMatch", generation)
	}
	target := "/upload/storage/v1/b/" + url.PathEscape(bucket) + "/o?" + query.Encode()
	request, err := http.NewRequestWithContext(r.Context(), http.MethodPost, target, content)
	if err != nil {
		refuse(w, http.StatusBadRequest, "InvalidArgument", err.Error())
		return
	}
	request.Header.Set("Content-Type", r.Header.Get("Content-Type"))
	answer := httptest.NewRecorder()
	f.store.HTTPHandler().ServeHTTP(answer, request)
	switch answer.Code {
	case http.StatusOK:
		object, err := f.store.GetObject(bucket, name)
		if err != nil { // deleted by another request since
			refuse(w, http.StatusServiceUnavailable, "ServiceUnavailable", err.Error())
			return
		}
		w.Header().Set("ETag", strconv.Quote(object.Etag))
		w.Header().Set("x-goog-generation", strconv.FormatInt(object.Generation, 10))
		if r.URL.Query().Has("uploadId") {
			writeXML(w, completed{Bucket: bucket, Key: name, ETag: strconv.Quote(object.Etag)})
		}
	case http.StatusPreconditionFailed:
		refuse(w, answer.Code, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold.")
	default:
		refuse(w, answer.Code, "InternalError", answer.Body.String())
	}
}

func (f *front) list(w http.ResponseWriter, bucket string, query url.Values) {
	after := query.Get("start-after")
	if token := query.Get("continuation-token"); token != "" {
		after = token
	}
	most := mostListed
	if asked, err := strconv.Atoi(query.Get("max-keys")); err == nil && asked < most {
		most = asked
	}
	found, err := f.store.ListObjectsWithOptionsPaginated(bucket, fakestorage.ListOptions{
		Prefix: query.Get("prefix"), Delimiter: query.Get("delimiter"), StartOffset: after,
	})
	if err != nil {
		refuse(w, http.StatusInternalServerError, "InternalError", err.Error())
		return
	}
	result := listing{Name: bucket, Prefix: query.Get("prefix")}
	for _, prefix := range found.Prefixes {
		if prefix > after {
			result.CommonPrefixes = append(result.CommonPrefixes, commonPrefix{prefix})
		}
	}
	for _, object := range found.Objects {
		if object.Name > after {
			result.Contents = append(result.Contents, listed{
				object.Name, object.Size, object.Updated.UTC().Format(time.RFC3339Nano), strconv.Quote(object.Etag),
			})
		}
	}
	if len(result.Contents) > most {
		result.Contents, result.IsTruncated = result.Contents[:most], true
		result.NextContinuationToken = result.Contents[most-1].Key
	}
	result.KeyCount = len(result.Contents)
	writeXML(w, result)
}

func (f *front) beginUpload(w http.ResponseWriter, bucket, name string) {
	f.lock.Lock()
	defer f.lock.Unlock()
	f.begun++
	id := fmt.Sprintf("upload-%d", f.begun)
	f.uploads[id] = map[int][]byte{}
	writeXML(w, initiated{Bucket: bucket, Key: name, UploadID: id})
}

func (f *front) takePart(w http.ResponseWriter, r *http.Request, query url.Values) {
	number, err := strconv.Atoi(query.Get("partNumber"))
	content, readError := io.ReadAll(r.Body)
	f.lock.Lock()
	defer f.lock.Unlock()
	parts, found := f.uploads[query.Get("uploadId")]
	if err != nil || readError != nil || !found {
		refuse(w, http.StatusNotFound, "NoSuchUpload", "The specified upload does not exist.")
		return
	}
	parts[number] = content
	w.Header().Set("ETag", fmt.Sprintf("%q", fmt.Sprintf("part-%d", number)))
}

func (f *front) completeUpload(w http.ResponseWriter, r *http.Request, bucket, name, id string) {
	f.lock.Lock()
	parts, found := f.uploads[id]
	delete(f.uploads, id)
	f.lock.Unlock()
	if !found {
		refuse(w, http.StatusNotFound, "NoSuchUpload", "The specified upload does not exist.")
		return
	}
	numbers := make([]int, 0, len(parts))
	for number := range parts {
		numbers = append(numbers, number)
	}
	sort.Ints(numbers)
	var content bytes.Buffer
	for _, number := range numbers {
		content.Write(parts[number])
	}
	f.create(w, r, bucket, name, &content)
}

func (f *front) forget(id string) {
	f.lock.Lock()
	defer f.lock.Unlock()
	delete(f.uploads, id)
}

type commonPrefix struct{ Prefix string }

type listed struct {
	Key          string
	Size         int64
	LastModified string
	ETag         string
}

type listing struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	Name, Prefix          string
	KeyCount              int
	IsTruncated           bool
	NextContinuationToken string `xml:",omitempty"`
	CommonPrefixes        []commonPrefix
	Contents              []listed
}

type initiated struct {
	XMLName     xml.Name `xml:"InitiateMultipartUploadResult"`
	Bucket, Key string
	UploadID    string `xml:"UploadId"`
}

type completed struct {
	XMLName           xml.Name `xml:"CompleteMultipartUploadResult"`
	Bucket, Key, ETag string
}

type failure struct {
	XMLName       xml.Name `xml:"Error"`
	Code, Message string
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml; charset=UTF-8")
	w.WriteHeader(status)
	_ = xml.NewEncoder(w).Encode(failure{Code: code, Message: message})
}

func writeXML(w http.ResponseWriter, content any) {
	w.Header().Set("Content-Type", "application/xml; charset=UTF-8")
	_ = xml.NewEncoder(w).Encode(content)
}
