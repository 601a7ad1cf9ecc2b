/* SPDX-License-Identifier: Apache-2.0 */
/* decrypt.c - TLS records whose session is in the key log -> plaintext, by libcrypto.
 *
 * TLS 1.3 changes keys after Finished and with each KeyUpdate, of which the first hides in the
 * handshake and the second among the data. Tags tell: what does not open with the keys in use is
 * tried with those that come next. So it is too with records that the capture lacks, which only
 * their number is needed of. */
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#include "base/budget.h"
#include "capture/packet/private.h"

#define TLS_1_2 0x0303
#define TLS_1_3 0x0304
#define TAG 16
#define EXPLICIT 8	/* of a nonce, in front of the record */
#define BLOCK 16
#define KEY_BLOCK_MAX (2 * (48 + 32 + 16))

void packet_prepare(void)
{
	(void)OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);	/* where it fails, nothing is decrypted, and that is told */
}

enum { CHANGE_CIPHER_SPEC = 20, APPLICATION = 23 };
enum mode { GCM, CHACHA, CBC };

/* RFC 8446 B.4, RFC 5288, 5289, 5487, 7905, 8442; CBC: RFC 5246 A.5, 4492, 5289. */
struct suite { uint16_t id; uint8_t mode, key; const char *cipher, *digest, *mac; };
static const struct suite suites[] = {
	{ 0x1301, GCM, 16, "AES-128-GCM", "SHA256", NULL }, { 0x1302, GCM, 32, "AES-256-GCM", "SHA384", NULL },
	{ 0x1303, CHACHA, 32, "ChaCha20-Poly1305", "SHA256", NULL },
	{ 0x009c, GCM, 16, "AES-128-GCM", "SHA256", NULL }, { 0x009d, GCM, 32, "AES-256-GCM", "SHA384", NULL },
	{ 0x009e, GCM, 16, "AES-128-GCM", "SHA256", NULL }, { 0x009f, GCM, 32, "AES-256-GCM", "SHA384", NULL },
	{ 0x00a8, GCM, 16, "AES-128-GCM", "SHA256", NULL }, { 0x00a9, GCM, 32, "AES-256-GCM", "SHA384", NULL },
	{ 0x00aa, GCM, 16, "AES-128-GCM", "SHA256", NULL }, { 0x00ab, GCM, 32, "AES-256-GCM", "SHA384", NULL },
	{ 0x00ac, GCM, 16, "AES-128-GCM", "SHA256", NULL }, { 0x00ad, GCM, 32, "AES-256-GCM", "SHA384", NULL },
	{ 0xd001, GCM, 16, "AES-128-GCM", "SHA256", NULL }, { 0xd002, GCM, 32, "AES-256-GCM", "SHA384", NULL },
	{ 0xc02b, GCM, 16, "AES-128-GCM", "SHA256", NULL }, { 0xc02c, GCM, 32, "AES-256-GCM", "SHA384", NULL },
	{ 0xc02f, GCM, 16, "AES-128-GCM", "SHA256", NULL }, { 0xc030, GCM, 32, "AES-256-GCM", "SHA384", NULL },
	{ 0xcca8, CHACHA, 32, "ChaCha20-Poly1305", "SHA256", NULL }, { 0xcca9, CHACHA, 32, "ChaCha20-Poly1305", "SHA256", NULL },
	{ 0xccaa, CHACHA, 32, "ChaCha20-Poly1305", "SHA256", NULL }, { 0xccab, CHACHA, 32, "ChaCha20-Poly1305", "SHA256", NULL },
	{ 0xccac, CHACHA, 32, "ChaCha20-Poly1305", "SHA256", NULL }, { 0xccad, CHACHA, 32, "ChaCha20-Poly1305", "SHA256", NULL },
	{ 0xccae, CHACHA, 32, "ChaCha20-Poly1305", "SHA256", NULL },
	{ 0x002f, CBC, 16, "AES-128-CBC", "SHA256", "SHA1" }, { 0x0035, CBC, 32, "AES-256-CBC", "SHA256", "SHA1" },
	{ 0x0033, CBC, 16, "AES-128-CBC", "SHA256", "SHA1" }, { 0x0039, CBC, 32, "AES-256-CBC", "SHA256", "SHA1" },
	{ 0xc009, CBC, 16, "AES-128-CBC", "SHA256", "SHA1" }, { 0xc00a, CBC, 32, "AES-256-CBC", "SHA256", "SHA1" },
	{ 0xc013, CBC, 16, "AES-128-CBC", "SHA256", "SHA1" }, { 0xc014, CBC, 32, "AES-256-CBC", "SHA256", "SHA1" },
	{ 0x003c, CBC, 16, "AES-128-CBC", "SHA256", "SHA256" }, { 0x003d, CBC, 32, "AES-256-CBC", "SHA256", "SHA256" },
	{ 0x0067, CBC, 16, "AES-128-CBC", "SHA256", "SHA256" }, { 0x006b, CBC, 32, "AES-256-CBC", "SHA256", "SHA256" },
	{ 0xc023, CBC, 16, "AES-128-CBC", "SHA256", "SHA256" }, { 0xc024, CBC, 32, "AES-256-CBC", "SHA384", "SHA384" },
	{ 0xc027, CBC, 16, "AES-128-CBC", "SHA256", "SHA256" }, { 0xc028, CBC, 32, "AES-256-CBC", "SHA384", "SHA384" },
};

struct keys { uint8_t key[32], iv[12], mac[48], secret[48]; };
struct way {	/* one direction */
	bool ready, traffic;	/* traffic: of TLS 1.3, the handshake's keys are done with */
	uint64_t seq;
	struct keys keys;
};
struct decrypt {
	struct secrets secrets;
	const struct suite *suite;	/* NULL: not known yet, or not known here */
	bool tls13, etm;
	struct way ways[2];	/* client's, server's */
	/* Data that the client sends with its hello, by a suite of its last session. seq: of the next record; suite: NULL
	 * until a record was opened. */
	struct { const struct suite *suite; struct keys keys; uint64_t seq; bool over; } early;
};

struct decrypt *decrypt_new(const struct keylog *log, const uint8_t client_random[32])
{
	struct secrets secrets;
	struct decrypt *d = keylog_find(log, client_random, &secrets) ? budget_alloc(sizeof(*d)) : NULL;

	if (!d)
		return NULL;
	d->secrets = secrets;
	/* Where the keys of TLS 1.2 are made from: the client's random stands here until the server's is there. */
	memcpy(d->ways[0].keys.secret, client_random, 32);
	explicit_bzero(&secrets, sizeof(secrets));
	return d;
}

void decrypt_free(struct decrypt *d)
{
	if (d)
		explicit_bzero(d, sizeof(*d));
	budget_free(d, d ? sizeof(*d) : 0);
}

/* ---- keys ---- */

static bool derive(const char *name, OSSL_PARAM *params, uint8_t *out, size_t len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, name, NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	bool ok = ctx && EVP_KDF_derive(ctx, out, len, params) == 1;

	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return ok;
}

/* HKDF-Expand-Label, RFC 8446 7.1, without a context. */
static bool expand(const struct suite *s, const uint8_t *secret, size_t secret_len, const char *label, uint8_t *out, size_t len)
{
	size_t n = strlen(label);
	uint8_t info[2 + 1 + 6 + 16 + 1] = { 0, (uint8_t)len, (uint8_t)(6 + n), 't', 'l', 's', '1', '3', ' ' };
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)s->digest, 0),
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret, secret_len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, 9 + n + 1),
		OSSL_PARAM_construct_end(),
	};

	memcpy(info + 9, label, n);
	return derive("HKDF", params, out, len);
}

static size_t digest_len(const char *name)
{
	return !strcmp(name, "SHA384") ? 48 : !strcmp(name, "SHA256") ? 32 : 20;
}

static bool keys_make(const struct suite *s, struct keys *k, const uint8_t *secret)
{
	size_t len = digest_len(s->digest);

	memmove(k->secret, secret, len);
	return expand(s, k->secret, len, "key", k->key, s->key) && expand(s, k->secret, len, "iv", k->iv, sizeof(k->iv));
}

/* The secret of the log, if it is there and of the suite's length. */
static bool keys_of(const struct decrypt *d, struct keys *k, enum secret secret)
{
	return d->secrets.of[secret].len == digest_len(d->suite->digest) && keys_make(d->suite, k, d->secrets.of[secret].bytes);
}

/* The key block of TLS 1.2, RFC 5246 6.3. */
static bool block_make(struct decrypt *d, const uint8_t client[32], const uint8_t server[32])
{
	const struct suite *s = d->suite;
	size_t mac = s->mac ? digest_len(s->mac) : 0, iv = s->mode == GCM ? 4 : s->mode == CHACHA ? 12 : 0, at = 0;
	uint8_t block[KEY_BLOCK_MAX], seed[13 + 64];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)s->digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, d->secrets.of[SECRET_MASTER].bytes, 48),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed, sizeof(seed)),
		OSSL_PARAM_construct_end(),
	};

	memcpy(seed, "key expansion", 13);
	memcpy(seed + 13, server, 32);
	memcpy(seed + 45, client, 32);
	if (d->secrets.of[SECRET_MASTER].len != 48 || !derive("TLS1-PRF", params, block, 2 * (mac + s->key + iv)))
		return false;
	for (unsigned i = 0; i < 2; i++, at += mac)
		memcpy(d->ways[i].keys.mac, block + at, mac);
	for (unsigned i = 0; i < 2; i++, at += s->key)
		memcpy(d->ways[i].keys.key, block + at, s->key);
	for (unsigned i = 0; i < 2; i++, at += iv)
		memcpy(d->ways[i].keys.iv, block + at, iv);
	explicit_bzero(block, sizeof(block));
	return true;
}

bool decrypt_server_hello(struct decrypt *d, const uint8_t random[32], uint16_t version, uint16_t cipher, bool etm)
{
	static const enum secret handshake[2] = { SECRET_CLIENT_HANDSHAKE, SECRET_SERVER_HANDSHAKE };
	static const enum secret traffic[2] = { SECRET_CLIENT_TRAFFIC, SECRET_SERVER_TRAFFIC };
	uint8_t client[32];

	if (d->suite)
		return false;
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		if (suites[i].id == cipher)
			d->suite = &suites[i];
	d->tls13 = version == TLS_1_3;
	d->etm = etm;
	if (!d->suite || d->tls13 != (cipher >> 8 == 0x13) || (!d->tls13 && version != TLS_1_2)) {
		d->suite = NULL;
		return false;
	}
	memcpy(client, d->ways[0].keys.secret, sizeof(client));
	if (!d->tls13)
		return block_make(d, client, random);
	for (unsigned i = 0; i < 2; i++) {
		struct way *w = &d->ways[i];

		w->ready = keys_of(d, &w->keys, handshake[i]);
		if (!w->ready)
			w->ready = w->traffic = keys_of(d, &w->keys, traffic[i]);
	}
	return d->ways[0].ready || d->ways[1].ready;
}

void decrypt_change(struct decrypt *d, bool server)
{
	struct way *w = &d->ways[server];

	if (!d->suite || d->tls13)
		return;
	/* A second one: keys of a handshake that was encrypted. */
	w->ready = !w->traffic && d->secrets.of[SECRET_MASTER].len == 48;
	w->traffic = true;
	w->seq = 0;
}

static bool is_early(const struct decrypt *d, bool server)
{
	return !server && !d->early.over && d->secrets.of[SECRET_CLIENT_EARLY].len;
}

void decrypt_refuse_early(struct decrypt *d)
{
	d->early.over = true;
}

bool decrypt_seals(const struct decrypt *d, bool server, uint8_t type)
{
	if (!d->suite && type == APPLICATION && is_early(d, server))
		return true;
	return d->suite && d->ways[server].ready && (d->tls13 ? type == APPLICATION : type != CHANGE_CIPHER_SPEC);
}

uint32_t decrypt_overhead(const struct decrypt *d)
{
	if (d->tls13 || (!d->suite && d->early.suite))
		return TAG + 1;
	return !d->suite || d->suite->mode == GCM ? EXPLICIT + TAG : d->suite->mode == CHACHA ? TAG : BLOCK + (uint32_t)digest_len(d->suite->mac) + 1;
}

void decrypt_skip(struct decrypt *d, bool server)
{
	*(is_early(d, server) ? &d->early.seq : &d->ways[server].seq) += 1;
}

/* ---- records ---- */

static void put64(uint8_t out[8], uint64_t v)
{
	for (unsigned i = 0; i < 8; i++)
		out[i] = (uint8_t)(v >> (56 - 8 * i));
}

static size_t additional(uint8_t out[13], const struct decrypt *d, const uint8_t header[5], uint64_t seq, size_t len)
{
	if (d->tls13) {
		memcpy(out, header, 5);
		return 5;
	}
	put64(out, seq);
	memcpy(out + 8, header, 3);
	out[11] = (uint8_t)(len >> 8);
	out[12] = (uint8_t)len;
	return 13;
}

/* Length of the plaintext, or -EBADMSG: these are not its keys, or that is not its number. */
static int aead_open(const struct decrypt *d, const struct keys *k, uint64_t seq, const uint8_t header[5], const uint8_t *body, size_t len,
		     uint8_t *out)
{
	bool explicit_nonce = !d->tls13 && d->suite->mode == GCM;
	size_t front = explicit_nonce ? EXPLICIT : 0, text, extra;
	EVP_CIPHER *cipher = NULL;
	EVP_CIPHER_CTX *ctx = NULL;
	uint8_t nonce[12], ad[13], number[8];
	int n = -EBADMSG, done = 0, ad_done = 0, tail = 0;

	if (len < front + TAG)
		return n;
	text = len - front - TAG;
	memcpy(nonce, k->iv, sizeof(nonce));
	put64(number, seq);
	if (explicit_nonce)
		memcpy(nonce + 4, body, EXPLICIT);
	for (unsigned i = 0; i < 8 && !explicit_nonce; i++)
		nonce[4 + i] ^= number[i];
	extra = additional(ad, d, header, seq, text);
	cipher = EVP_CIPHER_fetch(NULL, d->suite->cipher, NULL);
	ctx = EVP_CIPHER_CTX_new();
	if (cipher && ctx && EVP_DecryptInit_ex(ctx, cipher, NULL, k->key, nonce) == 1 &&
	    EVP_DecryptUpdate(ctx, NULL, &ad_done, ad, (int)extra) == 1 &&
	    EVP_DecryptUpdate(ctx, out, &done, body + front, (int)text) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG, (void *)(body + front + text)) == 1 &&
	    EVP_DecryptFinal_ex(ctx, out + done, &tail) == 1)
		n = done + tail;
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
	return n;
}

static bool block_open(const struct decrypt *d, const struct keys *k, const uint8_t *iv, const uint8_t *in, size_t len, uint8_t *out)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, d->suite->cipher, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int done = 0;
	bool ok = cipher && ctx && EVP_DecryptInit_ex(ctx, cipher, NULL, k->key, iv) == 1 && EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
		  EVP_DecryptUpdate(ctx, out, &done, in, (int)len) == 1 && (size_t)done == len;

	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
	return ok;
}

static bool mac_holds(const struct decrypt *d, const struct keys *k, uint64_t seq, const uint8_t header[5], const uint8_t *in, size_t len,
		      const uint8_t *mac)
{
	size_t n = digest_len(d->suite->mac), extra;
	uint8_t *all = budget_room(13 + len), is[EVP_MAX_MD_SIZE];
	unsigned got = 0;
	bool ok;

	if (!all)
		return false;
	extra = additional(all, d, header, seq, len);
	memcpy(all + extra, in, len);
	ok = HMAC(EVP_get_digestbyname(d->suite->mac), k->mac, (int)n, all, extra + len, is, &got) && got == n && !CRYPTO_memcmp(is, mac, n);
	explicit_bzero(all, 13 + len);
	budget_free(all, 13 + len);
	return ok;
}

/* TLS 1.2 with CBC: a block of initialisation, what is encrypted, and the MAC in it or behind it. */
static int cbc_open(const struct decrypt *d, const struct keys *k, uint64_t seq, const uint8_t header[5], const uint8_t *body, size_t len,
		    uint8_t *out)
{
	size_t mac = digest_len(d->suite->mac), text, pad;

	if (len < 2 * BLOCK + (d->etm ? mac : 0))
		return -EBADMSG;
	text = len - BLOCK - (d->etm ? mac : 0);
	if (text % BLOCK || (d->etm && !mac_holds(d, k, seq, header, body, len - mac, body + len - mac)) ||
	    !block_open(d, k, body, body + BLOCK, text, out))
		return -EBADMSG;
	pad = (size_t)out[text - 1] + 1;
	if (pad + (d->etm ? 0 : mac) > text)
		return -EBADMSG;
	text -= pad;
	if (d->etm)
		return (int)text;
	text -= mac;
	return mac_holds(d, k, seq, header, out, text, out + text) ? (int)text : -EBADMSG;
}

/* Behind the data of TLS 1.3 stand its type and zeros, RFC 8446 5.4. */
static int inner_take(const uint8_t *out, int n, uint8_t *type)
{
	while (n > 0 && !out[n - 1])
		n--;
	if (!n)
		return -EBADMSG;
	*type = out[n - 1];
	return n - 1;
}

static int numbers_try(const struct decrypt *d, const struct keys *k, uint64_t *seq, const uint8_t header[5], const uint8_t *body, size_t len,
		       uint8_t *out, unsigned missing)
{
	for (unsigned i = 0; i <= missing; i++) {
		int n = d->suite->mode == CBC ? cbc_open(d, k, *seq + i, header, body, len, out) : aead_open(d, k, *seq + i, header, body, len, out);

		if (n < 0)
			continue;
		*seq += i;
		return n;
	}
	return -EBADMSG;
}

/* The keys that come after those in use. False: none do. */
static bool keys_next(const struct decrypt *d, bool server, struct keys *k)
{
	const struct way *w = &d->ways[server];
	uint8_t secret[48];
	bool ok;

	if (!d->tls13)
		return false;
	if (!w->traffic)
		return keys_of(d, k, server ? SECRET_SERVER_TRAFFIC : SECRET_CLIENT_TRAFFIC);
	ok = expand(d->suite, w->keys.secret, digest_len(d->suite->digest), "traffic upd", secret, digest_len(d->suite->digest)) &&
	     keys_make(d->suite, k, secret);
	explicit_bzero(secret, sizeof(secret));
	return ok;
}

/* Which suite it is nobody says before the server's hello: the tag does. */
static int early_open(struct decrypt *d, const uint8_t header[5], const uint8_t *body, size_t len, uint8_t *out, unsigned *missing)
{
	const struct secrets *s = &d->secrets;
	uint64_t seq = d->early.seq;
	int n = -EBADMSG;

	for (size_t i = 0; n < 0 && i < sizeof(suites) / sizeof(suites[0]) && suites[i].id >> 8 == 0x13; i++) {
		struct decrypt as = { .suite = &suites[i], .tls13 = true, .secrets = *s };

		if ((!d->early.suite || d->early.suite == as.suite) && keys_of(&as, &as.early.keys, SECRET_CLIENT_EARLY)) {
			n = numbers_try(&as, &as.early.keys, &seq, header, body, len, out, *missing);
			if (n >= 0)
				d->early.suite = as.suite;
		}
		explicit_bzero(&as, sizeof(as));
	}
	if (n < 0)
		return n;
	*missing = (unsigned)(seq - d->early.seq);
	d->early.seq = seq + 1;
	return n;
}

static int record_open(struct decrypt *d, bool server, const uint8_t header[5], const uint8_t *body, size_t len, uint8_t *out, unsigned *missing)
{
	struct way *w = &d->ways[server];
	uint64_t seq = w->seq;
	struct keys next;
	int n;

	if (is_early(d, server)) {
		n = early_open(d, header, body, len, out, missing);
		if (n >= 0 || !d->suite)
			return n;
	}
	n = numbers_try(d, &w->keys, &seq, header, body, len, out, *missing);
	if (n >= 0) {
		d->early.over |= !server;
		*missing = (unsigned)(seq - w->seq);
		w->seq = seq + 1;
		return n;
	}
	if (!keys_next(d, server, &next))
		return n;
	seq = 0;
	n = numbers_try(d, &next, &seq, header, body, len, out, *missing);
	if (n >= 0) {
		*missing = (unsigned)seq + (*missing > 0);	/* and of the old keys the last, at least */
		w->keys = next;
		w->traffic = true;
		w->seq = seq + 1;
	}
	explicit_bzero(&next, sizeof(next));
	return n;
}

int decrypt_record(struct decrypt *d, bool server, const uint8_t header[5], uint8_t *body, size_t len, uint8_t *type, unsigned *missing)
{
	uint8_t *out = budget_room(len + BLOCK);
	int n;

	if (!out)
		return -EBADMSG;
	n = record_open(d, server, header, body, len, out, missing);
	*type = header[0];
	if (n >= 0 && (d->tls13 || !d->suite))
		n = inner_take(out, n, type);
	if (n > 0)
		memcpy(body, out, (size_t)n);
	explicit_bzero(out, len + BLOCK);
	budget_free(out, len + BLOCK);
	return n;
}
