/* SPDX-License-Identifier: Apache-2.0 */
/* Handshakes of the host's own libssl, recorded on the way between its two ends, whole, in
 * pieces, cut and changed; libssl says what must come out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "protocol/certificate.h"
#include "protocol/hello.h"
#include "protocol/ja4.h"
#include "protocol/protocol.h"

#define WIRE_BYTES 65536

static struct { uint8_t bytes[WIRE_BYTES]; size_t len; } wire[2];	/* by who sent it: 0 client, 1 server */

static size_t as_it_is(void *owner, char out[NAME_SIZE], struct slice raw)
{
	size_t n = raw.len < NAME_SIZE - 1 ? raw.len : NAME_SIZE - 1;

	memcpy(out, raw.ptr, n);
	out[n] = 0;
	return n;
}

static const struct field_sink sink = { .clean = as_it_is };

/* ---- a real handshake ---- */

struct wish { int version; const char *cipher, *sni, *alpn_client, *alpn_server; bool client_certificate; };

static EVP_PKEY *key;

static X509 *certificate_make(const char *name, const char *organisation, long seconds)
{
	X509 *x = X509_new();
	X509_NAME *subject = X509_get_subject_name(x);

	key = key ? key : EVP_EC_gen("P-256");
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 11);
	ASN1_TIME_set(X509_getm_notBefore(x), seconds - 86400);
	ASN1_TIME_set(X509_getm_notAfter(x), seconds);
	if (organisation)
		X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, (const unsigned char *)organisation, -1, -1, 0);
	if (name)
		X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, subject);
	X509_set_pubkey(x, key);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	return x;
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *len, const unsigned char *in, unsigned n, void *want)
{
	return SSL_select_next_proto((unsigned char **)(uintptr_t)out, len, want, (unsigned)strlen(want), in, n) == OPENSSL_NPN_NEGOTIATED ?
	       SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

static int accept_any(int ok, X509_STORE_CTX *store)
{
	return 1;
}

static SSL *end_make(const struct wish *w, bool server, X509 *x)
{
	SSL_CTX *ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	SSL *ssl;

	SSL_CTX_set_min_proto_version(ctx, w->version);
	SSL_CTX_set_max_proto_version(ctx, w->version);
	if (w->version == TLS1_3_VERSION)
		assert_true(SSL_CTX_set_ciphersuites(ctx, w->cipher));
	else
		assert_true(SSL_CTX_set_cipher_list(ctx, w->cipher));
	if (server || w->client_certificate) {
		SSL_CTX_use_certificate(ctx, x);
		SSL_CTX_use_PrivateKey(ctx, key);
	}
	if (server && w->client_certificate)
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any);
	if (server && w->alpn_server)
		SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, (void *)(uintptr_t)w->alpn_server);
	if (!server && w->alpn_client)
		SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)w->alpn_client, (unsigned)strlen(w->alpn_client));
	ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	if (!server && w->sni)
		SSL_set_tlsext_host_name(ssl, w->sni);
	(server ? SSL_set_accept_state : SSL_set_connect_state)(ssl);
	return ssl;
}

static void carry(SSL *from, SSL *to, int sender)
{
	uint8_t *at = wire[sender].bytes + wire[sender].len;
	int n = BIO_read(SSL_get_wbio(from), at, (int)(WIRE_BYTES - wire[sender].len));

	if (n <= 0)
		return;
	wire[sender].len += (size_t)n;
	BIO_write(SSL_get_rbio(to), at, n);
}

static void shake(const struct wish *w, X509 *server_cert, X509 *client_cert)
{
	SSL *client = end_make(w, false, client_cert), *server = end_make(w, true, server_cert);

	wire[0].len = wire[1].len = 0;
	for (int i = 0; i < 8 && !(SSL_is_init_finished(client) && SSL_is_init_finished(server)); i++) {
		(void)SSL_do_handshake(client);
		carry(client, server, 0);
		(void)SSL_do_handshake(server);
		carry(server, client, 1);
	}
	assert_true(SSL_is_init_finished(client) && SSL_is_init_finished(server));
	assert_int_equal(SSL_write(client, "request", 7), 7);
	carry(client, server, 0);
	SSL_free(client);
	SSL_free(server);
}

/* As the client sees it (client 0) or the server (client 1), so many bytes at a time. */
static void listen(bool is_server, size_t piece, struct tls_facts *facts)
{
	struct hello *h = hello_new();

	memset(facts, 0, sizeof(*facts));
	for (size_t at = 0; at < WIRE_BYTES; at += piece)
		for (int sender = 0; sender < 2; sender++) {
			size_t n = at < wire[sender].len ? wire[sender].len - at : 0;

			if (n)
				hello_bytes(h, sender == is_server ? DIR_SENT : DIR_RECEIVED, at,
					    slice_of(wire[sender].bytes + at, n < piece ? n : piece), &sink);
		}
	assert_true(hello_ended(h));	/* by itself: encrypted records follow */
	assert_true(hello_take(h, facts));
	assert_false(hello_take(h, facts));
	hello_free(h);
}

static void a_handshake_of_tls_1_3_tells_names_version_and_cipher(void **state)
{
	struct wish w = { TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256", "api.partner.example", "\x02h2\x08http/1.1", "\x02h2", false };
	X509 *x = certificate_make("api.partner.example", "Partner", 2000000000);
	static const size_t pieces[] = { WIRE_BYTES, 4096, 101, 7, 1 };
	char room[8];

	shake(&w, x, x);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
		for (int is_server = 0; is_server < 2; is_server++) {
			struct tls_facts f;

			listen(is_server, pieces[i], &f);
			assert_string_equal(tls_version_name(f.version), "1.3");
			assert_string_equal(tls_cipher_name(f.cipher, room), "TLS_CHACHA20_POLY1305_SHA256");
			assert_string_equal(f.sni, "api.partner.example");
			assert_string_equal(f.alpn_offered, "h2,http/1.1");
			assert_string_equal(f.alpn, "");	/* encrypted, as are certificates */
			assert_string_equal(f.peer_subject, "");
			assert_int_equal(f.peer_expires, 0);
			assert_int_equal(f.mutual, MUTUAL_UNKNOWN);
			assert_int_equal(strlen(f.ja4), 36);
			assert_memory_equal(f.ja4, "t13d02", 6);	/* the one cipher, and the signal of RFC 5746 */
		}
	X509_free(x);
}

static void a_handshake_of_tls_1_2_tells_certificates_too(void **state)
{
	struct wish w = { TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", "bank.example", "\x08http/1.1", "\x08http/1.1", true };
	X509 *server = certificate_make("bank.example", "The Bank", 2000000000), *client = certificate_make(NULL, "Our Service", 1893456000);
	struct tls_facts f;
	char room[8];

	shake(&w, server, client);
	for (size_t piece = 1; piece < 3000; piece += 997) {
		listen(false, piece, &f);
		assert_string_equal(tls_version_name(f.version), "1.2");
		assert_string_equal(tls_cipher_name(f.cipher, room), "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
		assert_string_equal(f.sni, "bank.example");
		assert_string_equal(f.alpn, "http/1.1");
		assert_string_equal(f.peer_subject, "CN=bank.example,O=The Bank");
		assert_true(f.peer_expires == 2000000000);
		assert_int_equal(f.mutual, MUTUAL_YES);
		listen(true, piece, &f);
		assert_string_equal(f.peer_subject, "O=Our Service");
		assert_true(f.peer_expires == 1893456000);
		assert_int_equal(f.mutual, MUTUAL_YES);
	}
	w.client_certificate = false;
	shake(&w, server, client);
	listen(true, 4096, &f);
	assert_string_equal(f.peer_subject, "");	/* its own is not its peer's */
	assert_int_equal(f.mutual, MUTUAL_NO);
	X509_free(server);
	X509_free(client);
}

static void without_a_name_there_is_none(void **state)
{
	struct wish w = { TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256", NULL, NULL, NULL, false };
	X509 *x = certificate_make("x", NULL, 2000000000);
	struct tls_facts f;
	struct hello *h = hello_new();

	shake(&w, x, x);
	listen(false, 4096, &f);
	assert_string_equal(f.sni, "");
	assert_string_equal(f.alpn_offered, "");
	assert_memory_equal(f.ja4, "t13i", 4);
	assert_memory_equal(f.ja4 + 8, "00_", 3);
	hello_bytes(h, DIR_SENT, 0, SLICE("GET / HTTP/1.1\r\n"), &sink);
	hello_bytes(h, DIR_RECEIVED, 0, slice_of("", 0), &sink);
	hello_end(h);
	assert_false(hello_take(h, &f));
	hello_free(h);
	X509_free(x);
}

static void a_hello_that_is_cut_still_has_its_name(void **state)
{
	struct wish w = { TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256", "api.partner.example", NULL, NULL, false };
	X509 *x = certificate_make("x", NULL, 2000000000);
	struct hello *h = hello_new();
	struct tls_facts f = { 0 };

	shake(&w, x, x);
	hello_bytes(h, DIR_SENT, 77, slice_of(wire[0].bytes, 150), &sink);	/* a position need not be 0: STARTTLS */
	assert_false(hello_take(h, &f));
	hello_bytes(h, DIR_SENT, 77 + 160, slice_of(wire[0].bytes + 160, 20), &sink);	/* ten bytes are missing */
	assert_true(hello_take(h, &f));
	assert_string_equal(f.sni, "api.partner.example");
	assert_string_equal(f.ja4, "");
	hello_free(h);
	X509_free(x);
}

/* The vector of the specification. */
static void ja4_is_that_of_the_specification(void **state)
{
	struct offer o = {
		.version = 0x0304, .has_name = true, .alpn = SLICE("h2"),
		.ciphers = { 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035 },
		.nr_ciphers = 15,
		.extensions = { 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012, 0x002b, 0xff01, 0x000b,
				0x000a, 0x0015 },
		.nr_extensions = 16,
		.algorithms = { 0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601 },
		.nr_algorithms = 8,
	};
	struct offer nothing = { .version = 0x0303, .alpn = SLICE("\xab\xcd") };
	char out[JA4_SIZE];

	ja4_make(out, &o);
	assert_string_equal(out, "t13d1516h2_8daaf6152771_e5627efa2ab1");
	ja4_make(out, &nothing);
	assert_string_equal(out, "t12i0000ad_000000000000_000000000000");
	assert_true(is_grease(0x0a0a) && is_grease(0xfafa) && !is_grease(0x0a1a) && !is_grease(0x1301));
}

static void times_of_certificates_are_libcryptos(void **state)
{
	static const long times[] = { 0, 68169600, 951782400, 951868800, 1709164800, 1709251199, 2524607999, 2524608000, 4102444800, 253402300799 };

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		X509 *x = certificate_make("t", NULL, times[i]);
		unsigned char *der = NULL;
		struct certificate c;
		int n = i2d_X509(x, &der);

		assert_true(certificate_read(slice_of(der, (size_t)n), &c));
		assert_true(c.expires == times[i]);
		OPENSSL_free(der);
		X509_free(x);
	}
}

static void changed_bytes_are_survived(void **state)
{
	struct wish w = { TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384", "bank.example", "\x02h2", "\x02h2", true };
	X509 *x = certificate_make("bank.example", "The Bank", 2000000000);

	shake(&w, x, x);
	srand(9);
	for (int round = 0; round < 3000; round++) {
		struct hello *h = hello_new();
		int sender = rand() % 2;
		size_t cut = (size_t)rand() % wire[sender].len;
		uint8_t *copy = malloc(cut ? cut : 1);	/* of the exact size, for the sanitizer */
		struct tls_facts f = { 0 };

		memcpy(copy, wire[sender].bytes, cut);
		for (int i = 0; cut && i < round % 5; i++)
			copy[(size_t)rand() % cut] = (uint8_t)rand();
		hello_bytes(h, (enum dir)(rand() % 2), 0, slice_of(copy, cut), &sink);
		hello_end(h);
		hello_take(h, &f);
		hello_free(h);
		free(copy);
	}
	X509_free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_handshake_of_tls_1_3_tells_names_version_and_cipher),
		cmocka_unit_test(a_handshake_of_tls_1_2_tells_certificates_too),
		cmocka_unit_test(without_a_name_there_is_none),
		cmocka_unit_test(a_hello_that_is_cut_still_has_its_name),
		cmocka_unit_test(ja4_is_that_of_the_specification),
		cmocka_unit_test(times_of_certificates_are_libcryptos),
		cmocka_unit_test(changed_bytes_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
