/* SPDX-License-Identifier: Apache-2.0 */
/* sessions.c - a process that opens TLS sessions and ends them, each after one message of either side,
 * both ends in this process and agreed on a key beforehand: a handshake costs next to nothing.
 *
 *	sessions memory N	through buffers in memory: no library call moves anything on a socket
 *	sessions socket N	each over a TCP connection of its own
 *	sessions kept N		as memory, and none is freed: they end with the process
 *	sessions replaced N	as socket, and left open over an exec of this very program. That keeps N of its own,
 *				and then closes the connections of the ones before
 *
 * Says "made" when all are, and ends when its input does. */
#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const unsigned char key[16] = "a key of no use";

static unsigned client_key(SSL *ssl, const char *hint, char *identity, unsigned size, unsigned char *out, unsigned room)
{
	snprintf(identity, size, "client");
	memcpy(out, key, sizeof(key));
	return sizeof(key);
}

static unsigned server_key(SSL *ssl, const char *identity, unsigned char *out, unsigned room)
{
	memcpy(out, key, sizeof(key));
	return sizeof(key);
}

static SSL_CTX *context(const SSL_METHOD *method)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (!ctx || !SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION) || !SSL_CTX_set_cipher_list(ctx, "PSK-AES128-GCM-SHA256"))
		return NULL;
	SSL_CTX_set_psk_client_callback(ctx, client_key);
	SSL_CTX_set_psk_server_callback(ctx, server_key);
	return ctx;
}

/* Two ends of a TCP connection over loopback. */
static bool connection(int listener, int fds[2])
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);

	if (getsockname(listener, (struct sockaddr *)&at, &len))
		return false;
	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (fds[0] < 0)
		return false;
	(void)connect(fds[0], (struct sockaddr *)&at, len); /* without waiting: it is done when the other end is accepted */
	fds[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	return fds[1] >= 0;
}

static bool join(SSL *ends[2], int listener, int fds[2])
{
	BIO *a, *b;

	if (listener >= 0)
		return connection(listener, fds) && SSL_set_fd(ends[0], fds[0]) && SSL_set_fd(ends[1], fds[1]);
	if (!BIO_new_bio_pair(&a, 0, &b, 0))
		return false;
	SSL_set_bio(ends[0], a, a);
	SSL_set_bio(ends[1], b, b);
	return true;
}

/* One message that way, as often as it takes: handshakes go on in it. */
static bool message(SSL *from, SSL *to)
{
	char in[8] = "";
	int n = 0;

	for (int i = 0; i < 100000 && n <= 0; i++)
		n = SSL_write(from, "message", 7) == 7 ? 7 : (SSL_read(to, in, sizeof(in)), 0);
	for (int i = 0; i < 100000 && in[0] != 'm'; i++)
		SSL_read(to, in, sizeof(in));
	return n == 7 && !memcmp(in, "message", 7);
}

/* kept: not freed, and where the connection is left open, by the same process as another program. */
static bool session(SSL_CTX *client, SSL_CTX *server, int listener, bool kept)
{
	SSL *ends[2] = { SSL_new(client), SSL_new(server) };
	int fds[2] = { -1, -1 };
	bool good;

	if (!ends[0] || !ends[1] || !join(ends, listener, fds))
		return false;
	SSL_set_connect_state(ends[0]);
	SSL_set_accept_state(ends[1]);
	good = message(ends[0], ends[1]) && message(ends[1], ends[0]);
	for (int i = 0; i < 2 && !kept; i++)
		SSL_free(ends[i]);
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0 && !kept)
			close(fds[i]);
	return good;
}

int main(int argc, char **argv)
{
	SSL_CTX *client = context(TLS_client_method()), *server = context(TLS_server_method());
	bool replaced = argc == 3 && !strcmp(argv[1], "replaced"), after = argc == 3 && !strcmp(argv[1], "after");
	bool kept = replaced || after || (argc == 3 && !strcmp(argv[1], "kept"));
	int listener = replaced || (argc == 3 && !strcmp(argv[1], "socket")) ? socket(AF_INET, SOCK_STREAM, 0) : -1;
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	if (argc != 3 || !client || !server || (listener >= 0 && (bind(listener, (struct sockaddr *)&at, sizeof(at)) || listen(listener, 16)))) {
		fprintf(stderr, "sessions: want: memory|socket|kept|replaced N\n");
		ERR_print_errors_fp(stderr);
		return 1;
	}
	for (int i = 0; i < atoi(argv[2]); i++)
		if (!session(client, server, listener, kept)) {
			fprintf(stderr, "sessions: number %d did not work\n", i);
			ERR_print_errors_fp(stderr);
			return 1;
		}
	if (replaced)
		execl("/proc/self/exe", argv[0], "after", argv[2], NULL);
	if (after)
		close_range(3, ~0u, 0);
	printf("made\n");
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}
