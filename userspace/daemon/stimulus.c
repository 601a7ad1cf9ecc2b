/* SPDX-License-Identifier: Apache-2.0 */
/* stimulus.c - a known exchange with synthetic values, over plain TCP and over a real
 * TLS connection of the host's own libssl, on loopback. Attached is not working: only
 * when this comes out as the expected finding are the hooks believed. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/daemon.h"

/* Values that belong to nobody: an address under a reserved name, a published test card. */
static const char body[] = "{\"selftest\":{\"email\":\"weir.selftest@example.com\",\"card\":{\"number\":\"4111111111111111\"}}}";
static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}";

static int connected_pair(int fds[2])
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || fds[0] < 0 || bind(listener, (struct sockaddr *)&a, len) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&a, &len) || connect(fds[0], (struct sockaddr *)&a, len))
		return -errno;
	fds[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	close(listener);
	return fds[1] < 0 ? -errno : 0;
}

/* One exchange; the four steps are the same over a socket and over TLS. */
struct wire { int fd; SSL *ssl; };

static int put(const struct wire *w, const char *text, size_t len)
{
	ssize_t n = w->ssl ? SSL_write(w->ssl, text, (int)len) : write(w->fd, text, len);

	return n == (ssize_t)len ? 0 : -EIO;
}

static int get(const struct wire *w, size_t want)
{
	char in[1024];
	size_t got = 0;

	while (got < want) {
		ssize_t n = w->ssl ? SSL_read(w->ssl, in + got, (int)(sizeof(in) - got)) : read(w->fd, in + got, sizeof(in) - got);

		if (n <= 0)
			return -EIO;
		got += (size_t)n;
	}
	return 0;
}

static int exchange(const struct wire *client, const struct wire *server)
{
	char request[512];
	int n = snprintf(request, sizeof(request), "POST /weir/selftest HTTP/1.1\r\nHost: selftest.weir\r\n"
			 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", sizeof(body) - 1, body);

	if (put(client, request, (size_t)n) || get(server, (size_t)n) || put(server, answer, sizeof(answer) - 1))
		return -EIO;
	return get(client, sizeof(answer) - 1);
}

static X509 *certificate(EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_NAME *name;

	if (!x)
		return NULL;
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	name = X509_get_subject_name(x);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"selftest.weir", -1, -1, 0);
	X509_set_issuer_name(x, name);
	if (X509_sign(x, key, EVP_sha256()))
		return x;
	X509_free(x);
	return NULL;
}

/* Both ends in one thread: each handshake step is tried in turn until both are done. */
static int handshake(SSL *client, SSL *server)
{
	int c = 0, s = 0;

	for (int i = 0; i < 1000 && (c != 1 || s != 1); i++) {
		struct timespec ms = { 0, 200000 };

		if (c != 1)
			c = SSL_do_handshake(client);
		if (s != 1)
			s = SSL_do_handshake(server);
		if (c != 1 || s != 1)
			nanosleep(&ms, NULL);
	}
	return c == 1 && s == 1 ? 0 : -EPROTO;
}

static void blocking(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, on ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

/* Both ends, ready for their handshake. */
static int ends_make(SSL **client, SSL **server)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = key ? certificate(key) : NULL;
	SSL_CTX *cc = SSL_CTX_new(TLS_client_method()), *sc = SSL_CTX_new(TLS_server_method());

	if (x && cc && sc && SSL_CTX_use_certificate(sc, x) == 1 && SSL_CTX_use_PrivateKey(sc, key) == 1) {
		*client = SSL_new(cc);
		*server = SSL_new(sc);
	}
	SSL_CTX_free(cc);	/* both ends hold what they need of these */
	SSL_CTX_free(sc);
	X509_free(x);
	EVP_PKEY_free(key);
	return *client && *server ? 0 : -EPROTO;
}

static int exchange_tls(SSL *client, SSL *server)
{
	int fds[2] = { -1, -1 }, err = -EPROTO;

	if (connected_pair(fds) || SSL_set_fd(client, fds[0]) != 1 || SSL_set_fd(server, fds[1]) != 1)
		goto out;
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	blocking(fds[0], false);
	blocking(fds[1], false);
	err = handshake(client, server);
	blocking(fds[0], true);
	blocking(fds[1], true);
	if (!err)
		err = exchange(&(struct wire){ fds[0], client }, &(struct wire){ fds[1], server });
out:
	SSL_free(client);
	SSL_free(server);
	close(fds[0]);
	close(fds[1]);
	return err;
}

int stimulus_main(int argc, char **argv)
{
	SSL *client = NULL, *server = NULL;
	int fds[2], err, unable = ends_make(&client, &server);
	char end;

	/* Until the monitor has told the kernel side who this is, nothing would be seen. */
	(void)!read(FD_CTL, &end, 1);
	alarm(15);
	err = connected_pair(fds);
	if (!err)
		err = exchange(&(struct wire){ fds[0], NULL }, &(struct wire){ fds[1], NULL });
	if (err) {
		log_warn("the plain exchange failed error=\"%s\"", strerror(-err));
		return 1;
	}
	close(fds[0]);
	close(fds[1]);
	err = unable ? unable : exchange_tls(client, server);
	if (err)
		log_warn("the TLS exchange failed error=\"%s\"", strerror(-err));
	return err ? 1 : 0;
}
