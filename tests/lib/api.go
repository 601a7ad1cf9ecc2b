// SPDX-License-Identifier: Apache-2.0

// api.go - an API over HTTPS in Go, both ends, with nothing but the standard library.
//
//	api serve ADDRESS CERT KEY         answers POST /api/... with one e-mail address, and with
//	                                   as many further bytes as the query's pad= says
//	api serve-raw ADDRESS CERT KEY     the same with the TLS connection itself, read into a
//	                                   buffer that lies on the stack of a goroutine
//	api call URL DIR FROM TO AT-ONCE   sends DIR/FROM.json up to before TO, so many at once;
//	                                   every fifth with a body of 200 kB
//	api call-raw URL DIR FROM TO       one connection a request, the buffer on the stack
//
// Certificates are not checked. A server ends with status 0 on SIGTERM, a client when every
// answer was whole.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"io/ioutil"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

const answer = `{"accepted":true,"contact":{"email":"duty.officer@harborline-logistics.com"}`
const large = 200000

var insecure = &tls.Config{InsecureSkipVerify: true}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "api:", err)
		os.Exit(1)
	}
}

func handle(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(ioutil.Discard, r.Body); err != nil {
		return // a client that stopped in the middle
	}
	pad, _ := strconv.Atoi(r.URL.Query().Get("pad"))
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `%s,"pad":"%s"}`, answer, strings.Repeat("x", pad))
}

func serve(address, cert, key string) {
	server := &http.Server{Addr: address, Handler: http.HandlerFunc(handle)}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	go func() {
		<-ended
		check(server.Shutdown(context.Background()))
	}()
	if err := server.ListenAndServeTLS(cert, key); err != http.ErrServerClosed {
		check(err)
	}
}

// The handshake is inside the first Read, and the stack grows there with the buffer on it.
func talk(conn *tls.Conn) {
	var buf [6000]byte
	defer conn.Close()
	n := 0
	for !bytes.Contains(buf[:n], []byte("}}")) {
		got, err := conn.Read(buf[n:])
		if n += got; err != nil {
			return // a look whether the port is open, or a request without its end
		}
	}
	_, err := fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s}",
		len(answer)+1, answer)
	check(err)
}

func serveRaw(address, cert, key string) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	check(err)
	listener, err := net.Listen("tcp", address)
	check(err)
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	go func() {
		<-ended
		listener.Close()
	}()
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go talk(tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{pair}}))
	}
}

func body(dir string, i int) []byte {
	text, err := ioutil.ReadFile(filepath.Join(dir, fmt.Sprint(i, ".json")))
	check(err)
	return text
}

func call(client *http.Client, address, dir string, i int) {
	text := body(dir, i)
	if i%5 == 0 {
		pad := `{"pad":"` + strings.Repeat("x", large) + `",`
		text = append([]byte(pad), text[1:]...)
		address += fmt.Sprint("?pad=", large)
	}
	got, err := client.Post(address, "application/json", bytes.NewReader(text))
	check(err)
	back, err := ioutil.ReadAll(got.Body)
	check(err)
	got.Body.Close()
	if got.StatusCode != 200 || !bytes.HasPrefix(back, []byte(answer)) || (i%5 == 0 && len(back) < large) {
		check(fmt.Errorf("answer %d: status %d, %d bytes", i, got.StatusCode, len(back)))
	}
}

func callAll(address, dir string, from, to, atOnce int) {
	work := make(chan int)
	var all sync.WaitGroup
	for n := 0; n < atOnce; n++ {
		all.Add(1)
		go func() {
			// One connection each: of those that all share, some are dialled and never used.
			client := &http.Client{Transport: &http.Transport{TLSClientConfig: insecure}}
			for i := range work {
				call(client, address, dir, i)
			}
			client.CloseIdleConnections()
			all.Done()
		}()
	}
	for i := from; i < to; i++ {
		work <- i
	}
	close(work)
	all.Wait()
}

func callRaw(to *url.URL, text []byte) {
	var buf [6000]byte
	raw, err := net.Dial("tcp", to.Host)
	check(err)
	conn := tls.Client(raw, insecure)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		to.Path, to.Host, len(text), text)
	check(err)
	n := 0
	for {
		got, err := conn.Read(buf[n:])
		if n += got; err == io.EOF {
			break
		}
		check(err)
	}
	if !bytes.Contains(buf[:n], []byte(answer)) {
		check(fmt.Errorf("an answer of %d bytes", n))
	}
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	check(err)
	return n
}

func main() {
	switch {
	case len(os.Args) == 5 && os.Args[1] == "serve":
		serve(os.Args[2], os.Args[3], os.Args[4])
	case len(os.Args) == 5 && os.Args[1] == "serve-raw":
		serveRaw(os.Args[2], os.Args[3], os.Args[4])
	case len(os.Args) == 7 && os.Args[1] == "call":
		callAll(os.Args[2], os.Args[3], number(os.Args[4]), number(os.Args[5]), number(os.Args[6]))
	case len(os.Args) == 6 && os.Args[1] == "call-raw":
		to, err := url.Parse(os.Args[2])
		check(err)
		for i := number(os.Args[4]); i < number(os.Args[5]); i++ {
			done := make(chan bool)
			go func() { callRaw(to, body(os.Args[3], i)); close(done) }()
			<-done
		}
	default:
		check(fmt.Errorf("see the head of its source for how to call it"))
	}
}
