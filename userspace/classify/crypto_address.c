/* SPDX-License-Identifier: Apache-2.0 */
/* crypto_address.c - addresses of cryptocurrencies, by the check that each carries: four bytes of a double SHA-256 (base58check),
 * six characters of a BCH code (BIP 173, BIP 350), capitals where a Keccak hash has ones (EIP-55). */
#include <string.h>

#include "base/hash.h"
#include "classify/check.h"
#include "classify/ids.h"

#define PLAIN_BYTES	25	/* of a base58 address: its kind, twenty of a hash, four of the check */
#define COST_PLAIN	2500	/* ns of the decoding and the hashes */
#define COST_KECCAK	1500
#define COST_BECH	600
#define SAYS		92
#define SAYS_UNMARKED	45	/* of hex digits without capitals: nothing bears it out */

/* ---- base58check */

/* As many bytes of 0 stand in front as there are ones, no more and no fewer. */
static bool plain_zeros(struct slice in, const uint8_t out[PLAIN_BYTES])
{
	size_t ones = 0, zeros = 0;

	while (ones < in.len && in.ptr[ones] == '1')
		ones++;
	while (zeros < PLAIN_BYTES && !out[zeros])
		zeros++;
	return ones == zeros;
}

static bool plain_decode(struct slice in, uint8_t out[PLAIN_BYTES])
{
	static const char alphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

	memset(out, 0, PLAIN_BYTES);
	for (size_t i = 0; i < in.len; i++) {
		const char *at = in.ptr[i] ? strchr(alphabet, in.ptr[i]) : NULL;
		unsigned carry = at ? (unsigned)(at - alphabet) : 0;

		if (!at)
			return false;
		for (size_t j = PLAIN_BYTES; j--; carry >>= 8) {
			carry += out[j] * 58u;
			out[j] = (uint8_t)carry;
		}
		if (carry)
			return false;
	}
	return plain_zeros(in, out);
}

/* Bitcoin, and with a key Litecoin, Dogecoin, Dash and Tron, whose addresses are as long. */
static bool plain_kind(uint8_t kind)
{
	return kind == 0x00 || kind == 0x05 || kind == 0x30 || kind == 0x32 || kind == 0x1e || kind == 0x16 || kind == 0x4c || kind == 0x41;
}

static int plain_says(struct slice word)
{
	uint8_t bytes[PLAIN_BYTES], digest[32];
	bool ok;

	if (word.len < 26 || word.len > 35)
		return 0;
	if (!plain_decode(word, bytes) || !plain_kind(bytes[0]))
		return -COST_PLAIN;
	sha256(digest, bytes, PLAIN_BYTES - 4);
	sha256(digest, digest, sizeof(digest));
	ok = !memcmp(digest, bytes + PLAIN_BYTES - 4, 4);
	explicit_bzero(bytes, sizeof(bytes));
	return ok ? SAYS : -COST_PLAIN;
}

/* ---- bech32 and bech32m */

static uint32_t bech_step(uint32_t sum, unsigned value)
{
	static const uint32_t generator[] = { 0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3 };
	uint32_t top = sum >> 25;

	sum = (sum & 0x1ffffff) << 5 ^ value;
	for (unsigned i = 0; i < 5; i++)
		sum ^= (top >> i & 1) * generator[i];
	return sum;
}

static int bech_says(struct slice word)
{
	const uint8_t *one = memchr(word.ptr, '1', word.len < 6 ? word.len : 6);
	size_t head = one ? (size_t)(one - word.ptr) : 0;
	uint32_t sum = 1;
	bool upper = is_upper(word.ptr[0]);

	if (head < 2 || word.len < 26 || word.len > 90)
		return 0;
	for (size_t i = 0; i < head; i++)
		sum = bech_step(sum, to_lower(word.ptr[i]) >> 5);
	sum = bech_step(sum, 0);
	for (size_t i = 0; i < head; i++)
		sum = bech_step(sum, to_lower(word.ptr[i]) & 31);
	for (size_t i = head + 1; i < word.len; i++) {
		static const char alphabet[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
		const char *at = strchr(alphabet, to_lower(word.ptr[i]));

		if (!at || (is_alpha(word.ptr[i]) && is_upper(word.ptr[i]) != upper))
			return -COST_BECH;
		sum = bech_step(sum, (unsigned)(at - alphabet));
	}
	/* A chain that has BIP 350: version 0, which is 'q', has the first sum, and every other the second. */
	if (slice_equal(slice_of(word.ptr, head), "bc") || slice_equal(slice_of(word.ptr, head), "tb") || slice_equal(slice_of(word.ptr, head), "ltc"))
		return sum == (to_lower(word.ptr[head + 1]) == 'q' ? 1 : 0x2bc830a3) ? SAYS : -COST_BECH;
	return sum == 1 || sum == 0x2bc830a3 ? SAYS : -COST_BECH;
}

/* ---- EIP-55. Keccak as it was before it became SHA-3, which libcrypto does not have; here it is a check digit. */

static uint64_t turn(uint64_t v, unsigned by)
{
	return by ? v << by | v >> (64 - by) : v;
}

static void keccak_permute(uint64_t a[25])
{
	uint8_t shift = 1;	/* the constants come from a shift register */

	for (unsigned round = 0; round < 24; round++) {
		uint64_t c[5], b[25];
		unsigned x = 1, y = 0;

		for (unsigned i = 0; i < 5; i++)
			c[i] = a[i] ^ a[i + 5] ^ a[i + 10] ^ a[i + 15] ^ a[i + 20];
		for (unsigned i = 0; i < 25; i++)
			a[i] ^= c[(i + 4) % 5] ^ turn(c[(i + 1) % 5], 1);
		b[0] = a[0];
		for (unsigned t = 0; t < 24; t++) {
			unsigned next = (2 * x + 3 * y) % 5;

			b[y + 5 * next] = turn(a[x + 5 * y], (t + 1) * (t + 2) / 2 % 64);
			x = y;
			y = next;
		}
		for (unsigned i = 0; i < 25; i++)
			a[i] = b[i] ^ (~b[i / 5 * 5 + (i + 1) % 5] & b[i / 5 * 5 + (i + 2) % 5]);
		for (unsigned i = 0; i < 7; i++) {
			if (shift & 1)
				a[0] ^= 1ull << ((1u << i) - 1);
			shift = (uint8_t)(shift << 1 ^ (shift & 0x80 ? 0x71 : 0));
		}
	}
}

/* Of forty bytes: they are one block. */
static void keccak_forty(const uint8_t text[40], uint64_t out[25])
{
	memset(out, 0, 25 * sizeof(out[0]));
	for (unsigned i = 0; i < 40; i++)
		out[i / 8] ^= (uint64_t)text[i] << (i % 8 * 8);
	out[5] ^= 1;
	out[16] ^= 1ull << 63;
	keccak_permute(out);
}

static int hex_says(struct slice word)
{
	uint8_t lower[40];
	uint64_t hash[25];
	bool big = false, small = false;

	if (word.len != 42)
		return 0;
	for (unsigned i = 0; i < 40; i++) {
		uint8_t c = word.ptr[i + 2];

		if (!is_hex(c))
			return 0;
		big |= is_upper(c);
		small |= is_lower(c);
		lower[i] = to_lower(c);
	}
	if (few_bytes((const char *)lower, 40, 4))
		return 0;
	if (!big || !small)
		return SAYS_UNMARKED;
	keccak_forty(lower, hash);
	for (unsigned i = 0; i < 40; i++) {
		unsigned nibble = hash[i / 16] >> (i / 2 % 8 * 8 + (i & 1 ? 0 : 4)) & 15;

		if (is_alpha(lower[i]) && is_upper(word.ptr[i + 2]) != (nibble > 7))
			return -COST_KECCAK;
	}
	return SAYS;
}

static int crypto_address_find(struct slice s, size_t at, struct hit *out)
{
	struct slice word = { s.ptr + at, 0 };
	uint8_t first = byte_at(s, at), second = byte_at(s, at + 1);
	int says;

	/* What most numbers and words are not, first. */
	if (is_digit(first) && (first == '0' ? second != 'x' : first != '1' && first != '3'))
		return 0;
	if (!is_alnum(byte_at(s, at + 25)) || !is_alnum(first) || !is_alnum(second) || !edge_before(s, at))
		return 0;
	while (word.len <= 90 && is_alnum(byte_at(s, at + word.len)))
		word.len++;
	if (word.len < 26 || word.len > 90 || !edge_after(s, at + word.len))
		return 0;
	if (first == '0')
		says = second == 'x' ? hex_says(word) : 0;
	else if (is_alpha(first) && memchr(word.ptr, '1', 6))
		says = bech_says(word);
	else
		says = 0;
	if (!says && first != '0')
		says = plain_says(word);
	if (says <= 0)
		return says;
	out->start = at;
	out->end = at + word.len;
	/* That of the first block, those of Bitcoin's and Ethereum's own documents, and the one to burn coins at. */
	out->sample = slice_begins(s, at, "1A1zP1eP5QGefi2DMPTfTL5SLmv7Divf") || slice_begins(s, at, "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2") ||
		      slice_begins(s, at, "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy") || slice_begins_fold(s, at, "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq") ||
		      slice_begins_fold(s, at, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7k") || slice_begins(s, at, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed");
	mask_set(out->mask, "**********");
	return says;
}

static const char *const literals[] = { "bc1", "BC1", "ltc1", "tb1", NULL };
static const struct key_phrase keys[] = {
	{ "walletaddress", KEY_EXACT }, { "wallet", KEY_EXACT }, { "bitcoinaddress", KEY_EXACT }, { "btcaddress", KEY_EXACT }, { "btc", KEY_EXACT },
	{ "bitcoin", KEY_EXACT }, { "ethaddress", KEY_EXACT }, { "ethereumaddress", KEY_EXACT }, { "ethereum", KEY_EXACT }, { "eth", KEY_EXACT },
	{ "cryptoaddress", KEY_EXACT }, { "depositaddress", KEY_EXACT }, { "payoutaddress", KEY_EXACT }, { "withdrawaladdress", KEY_EXACT },
	{ "cryptowallet", KEY_EXACT }, { "walletid", KEY_EXACT }, { "litecoin", KEY_EXACT }, { "dogecoin", KEY_EXACT }, { "tron", KEY_EXACT },
	{ "trc20", KEY_EXACT }, { "erc20", KEY_EXACT }, { "usdt", KEY_EXACT }, { "portefeuille", KEY_EXACT }, { "monedero", KEY_EXACT },
	{ "bitcoinadresse", KEY_EXACT }, { "address", KEY_WEAK }, { "recipient", KEY_WEAK }, { NULL, 0 }
};
static const char *const counter[] = { "contract", "hash", "tx", "txhash", "transaction", "token", "block", "commit", NULL };

/* Of digits it begins with one or a few, and goes on with a letter. */
static bool crypto_address_starts(size_t head, size_t run, unsigned after)
{
	return after_letter(after);
}

const struct class_row class_crypto_address = {
	.info = { "crypto_address", GROUP_PII, 1, CONF_CERTAIN, "address of a cryptocurrency" },
	.triggers = TRIGGER_DIGIT | TRIGGER_LITERAL | TRIGGER_KEY,
	.digits = 1,
	.starts = crypto_address_starts,
	.group_min = 26,
	.group_max = 90,
	.literals = literals,
	.against = AGAINST_GENERAL,
	.keys = keys,
	.counter = counter,
	.find = crypto_address_find,
};
