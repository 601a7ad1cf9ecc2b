/* SPDX-License-Identifier: Apache-2.0 */
/* bio_peer.c - a client that speaks HTTPS through a filter BIO, as many programs do: it calls
 * neither SSL_read nor SSL_write. Or through these, after a look with SSL_peek.
 *
 *	bio_peer bio|peek HOST:PORT PATH CARDS FROM TO	GETs PATH for each line FROM to TO - 1 of the
 *							file CARDS, which is in a header, over a connection each
 * Writes how many answers had status 200. */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const char *what)
{
	fprintf(stderr, "bio_peer: %s\n", what);
	ERR_print_errors_fp(stderr);
	return 1;
}

/* Reads to the end; true: the answer is a good one. */
static bool answer_read(BIO *bio, SSL *ssl, bool peek)
{
	char head[16] = "", part[512];
	size_t have = 0;
	int n;

	for (;;) {
		if (peek && SSL_peek(ssl, part, sizeof(part)) <= 0)
			break;
		n = peek ? SSL_read(ssl, part, sizeof(part)) : BIO_read(bio, part, sizeof(part));
		if (n <= 0)
			break;
		for (int i = 0; i < n && have < sizeof(head) - 1; i++)
			head[have++] = part[i];
	}
	return !strncmp(head, "HTTP/1.", 7) && !strncmp(head + 8, " 200", 4);
}

static bool ask(SSL_CTX *ctx, const char *where, const char *path, const char *card, bool peek)
{
	BIO *bio = BIO_new_ssl_connect(ctx);
	SSL *ssl = NULL;
	char request[512];
	bool good = false;
	int len;

	if (!bio)
		return false;
	BIO_set_conn_hostname(bio, where);
	BIO_get_ssl(bio, &ssl);
	len = snprintf(request, sizeof(request), "GET /%s HTTP/1.0\r\nHost: %s\r\nX-Card: %s\r\n\r\n", path, where, card);
	if (ssl && BIO_do_handshake(bio) == 1) {
		int n = peek ? SSL_write(ssl, request, len) : BIO_write(bio, request, len);

		good = n == len && answer_read(bio, ssl, peek);
	}
	BIO_free_all(bio);
	return good;
}

int main(int argc, char **argv)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	FILE *cards = argc == 7 ? fopen(argv[4], "r") : NULL;
	char line[64];
	int good = 0;

	if (!cards)
		return fail("want: bio|peek HOST:PORT PATH CARDS FROM TO, and CARDS a file");
	if (!ctx)
		return fail("no context for TLS");
	for (int i = 0; i < atoi(argv[6]) && fgets(line, sizeof(line), cards); i++) {
		line[strcspn(line, "\n")] = 0;
		good += i >= atoi(argv[5]) && ask(ctx, argv[2], argv[3], line, !strcmp(argv[1], "peek"));
	}
	printf("%d\n", good);
	fclose(cards);
	SSL_CTX_free(ctx);
	return 0;
}
