/* SPDX-License-Identifier: Apache-2.0 */
/* ClientHellos made by the host's own libssl, whole, cut and changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/hello.h"

static size_t client_hello(const char *name, uint8_t *out, size_t size)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	BIO *in = BIO_new(BIO_s_mem()), *wire = BIO_new(BIO_s_mem());
	int n;

	SSL_set_bio(ssl, in, wire);
	if (name)
		SSL_set_tlsext_host_name(ssl, name);
	SSL_set_connect_state(ssl);
	(void)SSL_do_handshake(ssl);
	n = BIO_read(wire, out, (int)size);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return n > 0 ? (size_t)n : 0;
}

static void the_name_is_found(void **state)
{
	uint8_t hello[4096];
	size_t n = client_hello("api.partner.example", hello, sizeof(hello));
	struct slice name = hello_server_name(slice_of(hello, n));

	assert_true(n > 100);
	assert_int_equal(name.len, strlen("api.partner.example"));
	assert_memory_equal(name.ptr, "api.partner.example", name.len);
}

static void without_a_name_there_is_none(void **state)
{
	uint8_t hello[4096];
	size_t n = client_hello(NULL, hello, sizeof(hello));

	assert_int_equal(hello_server_name(slice_of(hello, n)).len, 0);
	assert_int_equal(hello_server_name(slice_of(hello, 0)).len, 0);
	assert_int_equal(hello_server_name(SLICE("GET / HTTP/1.1\r\n")).len, 0);
}

static void a_cut_or_changed_hello_is_survived(void **state)
{
	uint8_t hello[4096];
	size_t n = client_hello("api.partner.example", hello, sizeof(hello));

	srand(9);
	for (size_t cut = 0; cut <= n; cut++)
		for (int i = 0; i < 20; i++) {
			uint8_t *copy = malloc(cut ? cut : 1);
			struct slice name;

			memcpy(copy, hello, cut);
			if (cut && i)
				copy[(size_t)rand() % cut] = (uint8_t)rand();
			name = hello_server_name(slice_of(copy, cut));
			assert_true(!name.len || (name.ptr >= copy && name.len <= cut - (size_t)(name.ptr - copy)));
			free(copy);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_name_is_found),
		cmocka_unit_test(without_a_name_there_is_none),
		cmocka_unit_test(a_cut_or_changed_hello_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
