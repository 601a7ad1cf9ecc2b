/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of protobuf descriptors as protoc writes them, and messages that it encodes: the fields have the names
 * and values that the schema gives them. A set that is wrong is refused with the place. */
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "protocol/descriptor.h"
#include "tests/unit/content_world.h"

static const char shop[] =
	"syntax = \"proto3\";\n"
	"package shop;\n"
	"message Card { string number = 1; fixed32 code = 2; repeated sint32 steps = 3; repeated double rates = 4; }\n"
	"enum State { NEW = 0; PAID = 1; LOST = -1; }\n"
	"message Customer {\n"
	"  message Inner { int32 small = 1; message Deep { string ssn = 100; } Deep deep = 536870911; }\n"
	"  string email = 1; Card card = 2; map<string, string> labels = 3; repeated Card old = 4; double score = 5; float part = 6;\n"
	"  State state = 7; bool vip = 8; bytes blob = 9; sint64 change = 10; repeated State states = 11; Inner inner = 12;\n"
	"  map<int32, Card> cards = 13; oneof either { string one = 14; uint64 other = 15; } sfixed64 low = 16; int64 wide = 17;\n"
	"}\n"
	"message Order { Customer customer = 1; }\n"
	"message Receipt { string email = 7; }\n"
	"service Orders { rpc Place(Order) returns (Receipt); rpc Watch(stream Order) returns (stream Customer.Inner); }\n";

static char folder[] = "/tmp/weir-test-descriptor-XXXXXX";

static void text_put(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* What a command leaves in the file "out" of the folder. */
static struct buf made(const char *command)
{
	char line[512], path[128];
	struct buf out;

	snprintf(line, sizeof(line), "cd %s && %s", folder, command);
	if (system(line))
		fail_msg("%s: failed; protoc is in the package protobuf-compiler", line);
	snprintf(path, sizeof(path), "%s/out", folder);
	buf_init(&out, 1 << 20);
	assert_int_equal(read_file(AT_FDCWD, path, &out), 0);
	return out;
}

static struct buf set_of(const char *schema)
{
	text_put("shop.proto", schema);
	return made("protoc --include_imports --descriptor_set_out=out shop.proto");
}

static void use(const struct buf *set)
{
	struct descriptors *d = descriptors_new();
	char why[256] = "";

	assert_int_equal(descriptors_add(d, set->ptr, set->len, why, sizeof(why)), 0);
	assert_int_equal(descriptors_use(d), 0);
}

static int begin(void **state)
{
	return !mkdtemp(folder);
}

static int end(void **state)
{
	char line[128];

	(void)descriptors_use(NULL);
	snprintf(line, sizeof(line), "rm -r %s", folder);
	return system(line);
}

static void every_type_has_its_name_and_value(void **state)
{
	struct buf set = set_of(shop), order;

	use(&set);
	assert_int_equal(descriptors_messages(), 8);
	text_put("order",
		 "customer { email: 'ann@example.org' card { number: '4111111111111111' code: 123 steps: [-1, 300] rates: [0.1, 4111111111111111] }"
		 " labels { key: 'phone' value: '+41 44 668 18 00' } old { number: '5500005555555559' } old { code: 4294967295 } score: 0.1"
		 " part: 2.3 state: LOST vip: true blob: '\\001\\377' change: -77 states: [PAID, NEW]"
		 " inner { small: -5 deep { ssn: '078-05-1120' } } cards { key: 7 value { number: 'x' } } other: 18446744073709551615"
		 " low: -9223372036854775808 wide: -2 }");
	order = made("protoc --encode=shop.Order shop.proto <order >out");
	assert_bytes("application/x-protobuf; messageType=\"shop.Order\"", order.ptr, order.len, "", INSPECTED_FULL,
		     "$.customer.email email=ann@example.org\n"
		     "$.customer.card.number number=4111111111111111\n"
		     "$.customer.card.code code=123 number\n"
		     "$.customer.card.steps[] steps=-1 number\n"
		     "$.customer.card.steps[] steps=300 number\n"
		     "$.customer.card.rates[] rates=0.1 number\n"
		     "$.customer.card.rates[] rates=4111111111111111 number\n"
		     "$.customer.labels[].key key=phone\n"
		     "$.customer.labels[].value phone=+41 44 668 18 00\n"
		     "$.customer.old[].number number=5500005555555559\n"
		     "$.customer.old[].code code=4294967295 number\n"
		     "$.customer.score score=0.1 number\n"
		     "$.customer.part part=2.3 number\n"
		     "$.customer.state state=LOST\n"
		     "$.customer.vip vip=true bool\n"
		     "$.customer.blob blob=\\x01\\xff bytes\n"
		     "$.customer.change change=-77 number\n"
		     "$.customer.states[] states=PAID\n"
		     "$.customer.states[] states=NEW\n"
		     "$.customer.inner.small small=-5 number\n"
		     "$.customer.inner.deep.ssn ssn=078-05-1120\n"
		     "$.customer.cards[].key key=7 number\n"
		     "$.customer.cards[].value.number number=x\n"
		     "$.customer.other other=18446744073709551615 number\n"
		     "$.customer.low low=-9223372036854775808 number\n"
		     "$.customer.wide wide=-2 number\n");
	/* Without the type: as the wire has it. */
	assert_bytes("application/x-protobuf; messageType=\"shop.Nothing\"", "\x0a\x02\x0a\x00", 4, "", INSPECTED_FULL, "$.1.1 =\n");
	assert_survives("application/x-protobuf; messageType=\"shop.Order\"", order.ptr, order.len);
	buf_free(&order);
	buf_free(&set);
}

static void a_method_has_its_messages_as_long_as_the_set_is_in_use(void **state)
{
	struct buf set = set_of(shop);
	uint32_t place, watch;

	(void)descriptors_use(NULL);
	assert_int_equal(descriptor_method("/shop.Orders/Place", 18), 0);
	use(&set);
	place = descriptor_method("/shop.Orders/Place", 18);
	watch = descriptor_method("/api/shop.Orders/Watch?x=/y", 27);
	assert_true(place && watch && place != watch);
	assert_int_equal(descriptor_method("/shop.Orders/Plac", 17), 0);
	assert_int_equal(descriptor_method("shop.Orders/Place", 17), 0);
	assert_int_equal(descriptor_method("/shop.Orders/", 13), 0);
	assert_ptr_equal(method_message(place, false), message_named("shop.Order"));
	assert_ptr_equal(method_message(place, true), message_named("shop.Receipt"));
	assert_ptr_equal(method_message(watch, true), message_named("shop.Customer.Inner"));
	assert_null(method_message(0, false));
	assert_null(method_message(place + 7, false));
	assert_string_equal(message_field(message_named("shop.Receipt"), 7)->name, "email");
	assert_null(message_field(message_named("shop.Receipt"), 1));
	assert_null(message_field(message_named("shop.Receipt"), 8));
	use(&set);	/* an exchange that began before a reload */
	assert_null(method_message(place, false));
	assert_non_null(method_message(descriptor_method("/shop.Orders/Place", 18), false));
	buf_free(&set);
}

/* Two services, each with its own set, and both have what they import. */
static void of_two_sets_the_first_says_what_both_describe(void **state)
{
	struct buf one = set_of("syntax = \"proto3\"; package shop; message Card { string number = 1; } message One { Card card = 1; }");
	struct buf two = set_of("syntax = \"proto2\"; package shop; message Card { optional string pin = 1; } message Two { optional Card card = 1;"
				" repeated int32 spread = 2; optional group Part = 3 { optional string inside = 1; } }");
	struct descriptors *d = descriptors_new();
	char why[256];

	assert_int_equal(descriptors_add(d, one.ptr, one.len, why, sizeof(why)), 0);
	assert_int_equal(descriptors_add(d, "\x0a\x05x", 3, why, sizeof(why)), -1);	/* nothing of it stays */
	assert_int_equal(descriptors_add(d, two.ptr, two.len, why, sizeof(why)), 0);
	assert_int_equal(descriptors_use(d), 0);
	assert_bytes("application/protobuf; proto=shop.Two", "\x0a\x05\x0a\x03" "123\x10\x01\x10\x02\x12\x02\x03\x04\x1b\x0a\x01q\x1c", 20, "", INSPECTED_FULL,
		     "$.card.number number=123\n$.spread[] spread=1 number\n$.spread[] spread=2 number\n"
		     "$.spread[] spread=3 number\n$.spread[] spread=4 number\n$.part.inside inside=q\n");
	buf_free(&one);
	buf_free(&two);
}

static void assert_refused(const void *set, size_t len, const char *expect)
{
	struct descriptors *d = descriptors_new();
	char why[256] = "";

	assert_int_equal(descriptors_add(d, set, len, why, sizeof(why)), -1);
	if (strncmp(why, expect, strlen(expect)) || !strstr(why, "make it anew with protoc"))
		fail_msg("\"%s\" was expected, it says \"%s\"", expect, why);
	descriptors_free(d);
}

static void what_is_wrong_is_said_with_its_place(void **state)
{
	struct buf deep;

	assert_refused("", 0, "byte 0: no file is described");
	assert_refused("\x12\x00", 2, "byte 0: no file is described");
	assert_refused("syntax = \"proto3\";", 18, "byte 0: a field is of a kind that descriptors do not have");
	assert_refused("\x0a\x00\x0a\x05\x12", 5, "byte 2: a field is longer than what holds it");
	assert_refused("\x0a\x02\x22\x03", 4, "byte 2: a field is longer than what holds it");
	assert_refused("\x0a\x04\x22\x02\x0a\x80", 6, "byte 4: a number has no end");
	assert_refused("\x0a\x02\x00\x00", 4, "byte 2: no field begins");
	assert_refused("\x0a\x06\x22\x04\x0a\x02(\x01", 8, "byte 6: a name has other than letters, digits, _ and .");
	/* Declared in one another. */
	buf_init(&deep, 1 << 16);
	for (unsigned i = 0; i < 40; i++) {
		size_t n = 2 * (39 - i);

		buf_add(&deep, (const uint8_t[]){ i == 0 ? 0x0a : i == 1 ? 0x22 : 0x1a, (uint8_t)n }, 2);
	}
	assert_refused(deep.ptr, deep.len, "byte 68: messages are declared too deep in one another");
	buf_free(&deep);
}

/* Cut anywhere, or with bytes that are others: refused or used, and then whatever is asked of it has an answer. */
static void a_set_in_which_anything_is_wrong_harms_nothing(void **state)
{
	static const uint8_t body[] = "\x0a\x20\x0a\x03" "abc\x12\x05\x0a\x03" "123\x1a\x0a\x0a\x03key\x12\x03vvv\x38\x01\x62\x04\x08\x05\x12\x00";
	struct buf set = set_of(shop);
	unsigned refused = 0, taken = 0;
	struct world w = { 0 };

	srand(11);
	for (unsigned i = 0; i < 6000; i++) {
		size_t n = i < set.len ? i : set.len;
		uint8_t *copy = malloc(n + 1);
		struct descriptors *d = descriptors_new();
		char why[256];

		memcpy(copy, set.ptr, n);
		for (unsigned k = 0; i >= set.len && k <= i % 3; k++)
			copy[(size_t)rand() % n] = (uint8_t)rand();
		if (descriptors_add(d, copy, n, why, sizeof(why))) {
			refused++;
			descriptors_free(d);
		} else {
			taken++;
			assert_int_equal(descriptors_use(d), 0);
			world_decode(&w, "application/x-protobuf; messageType=shop.Order", body, sizeof(body) - 1, "");
			(void)descriptor_method("/shop.Orders/Place", 18);
		}
		free(copy);
	}
	assert_true(refused > 1000 && taken > 300);
	world_free(&w);
	buf_free(&set);
}

/* The smallest messages: as many as are held, and more. */
static void a_set_that_describes_too_much_is_refused(void **state)
{
	struct buf set;

	buf_init(&set, 1 << 20);
	buf_add(&set, "\x0a\xc8\xd0\x07", 4);	/* 125000 bytes */
	for (unsigned i = 0; i < 62500; i++)
		buf_add(&set, "\x22", 2);
	assert_refused(set.ptr, set.len, "byte 65542: it has more messages than weir holds");
	buf_free(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_has_its_name_and_value),
		cmocka_unit_test(a_method_has_its_messages_as_long_as_the_set_is_in_use),
		cmocka_unit_test(of_two_sets_the_first_says_what_both_describe),
		cmocka_unit_test(what_is_wrong_is_said_with_its_place),
		cmocka_unit_test(a_set_in_which_anything_is_wrong_harms_nothing),
		cmocka_unit_test(a_set_that_describes_too_much_is_refused),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
