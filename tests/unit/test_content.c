/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that are not JSON: which fields each gives, whole, cut and begun late; and that none of
 * them faults, hangs or loses count when bytes are missing or wrong. */
#include "tests/unit/content_world.h"

#define FULL INSPECTED_FULL
#define PART INSPECTED_PARTIAL
#define NONE INSPECTED_NONE
#define FORM "multipart/form-data; boundary=XX"
#define BYTES(lit) (lit), sizeof(lit) - 1

static void multipart_parts_are_read_by_their_own_type(void **state)
{
	static const char body[] =
		"preamble\r\n--XX\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\na@b.org\r\n"
		"--XX\r\nContent-Disposition: form-data; name=profile\r\nContent-Type: application/json\r\n\r\n{\"phone\":\"1\",\"l\":[2]}\r\n"
		"--XX\r\ncontent-disposition: form-data; name=\"cv\"; filename=\"cv;x.csv\"\r\nContent-Type: text/csv\r\n\r\nname,email\r\nana,a@b.org\r\n\r\n"
		"--XX\r\nContent-Disposition: form-data; name=\"scan\"; filename=\"a.pdf\"\r\nContent-Type: application/pdf\r\n\r\n%PDF-1.7\r\n\x01\r\n"
		"--XX--\r\nepilogue";
	static const char expect[] = "multipart.email email=a@b.org\nmultipart.profile.phone phone=1\nmultipart.profile.l[] l=2 number\n"
				     "multipart.cv.filename filename=cv;x.csv\nmultipart.cv[].name name=ana\nmultipart.cv[].email email=a@b.org\n"
				     "multipart.scan.filename filename=a.pdf\n";

	(void)state;
	assert_body(FORM, body, "", PART, expect);
	/* The boundary is in the body as well. */
	assert_body("", strstr(body, "--XX"), "", PART, expect);
	assert_survives(FORM, body, strlen(body));
}

static void multipart_tells_what_it_did_not_see(void **state)
{
	(void)state;
	assert_body(FORM, "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--XX--", "", FULL, "multipart.a a=1\n");
	assert_body(FORM, "--XX\nContent-Disposition: form-data; name=a\n\n1\n--XX--\n", "", FULL, "multipart.a a=1\n");
	assert_body(FORM, "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n12", "c", PART, "multipart.a a=12 cut\n");
	assert_body(FORM, "ail.org\r\n--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--XX--", "l", FULL, "multipart =ail.org\nmultipart.a a=1\n");
	assert_body(FORM, "--XX\r\nContent-Disposition: form-data; name=f; filename=x.bin\r\n\r\n\x01\x02\x03\r\n--XX--", "", PART,
		    "multipart.f.filename filename=x.bin\n");
	/* A line that only begins like the boundary in the middle of one is none. */
	assert_body(FORM, "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\nx --XX y\r\n--XX--", "", FULL, "multipart.a a=x --XX y\n");
	assert_body("multipart/mixed", "nothing of the sort", "", FULL, "multipart =nothing of the sort\n");
}

static void multipart_undoes_the_coding_of_a_part(void **state)
{
	(void)state;
	assert_body(FORM, "--XX\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\nYUBi\r\nLm9yZw==\r\n--XX--", "", FULL,
		    "multipart.a a=a@b.org\n");
	assert_body(FORM, "--XX\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=40b.=\r\norg=3\r\n--XX--", "",
		    FULL, "multipart.a a=a@b.org=3\n");
}

static void multipart_nests_three_deep_and_no_deeper(void **state)
{
	char body[2048] = "", expect[] = "multipart.p.p.p.v v=1\n";
	static const char head[] = "\r\nContent-Disposition: form-data; name=p\r\nContent-Type: multipart/mixed; boundary=";

	(void)state;
	for (int depth = 3; depth <= 4; depth++) {
		size_t n = 0;

		for (int i = 0; i < depth; i++)
			n += (size_t)snprintf(body + n, sizeof(body) - n, "--B%d%sB%d\r\n\r\n", i, head, i + 1);
		n += (size_t)snprintf(body + n, sizeof(body) - n, "--B%d\r\nContent-Disposition: form-data; name=v\r\n\r\n1\r\n--B%d--", depth, depth);
		for (int i = depth; i--;)
			n += (size_t)snprintf(body + n, sizeof(body) - n, "\r\n--B%d--", i);
		assert_body("multipart/mixed; boundary=\"B0\"", body, "", depth == 3 ? FULL : PART, depth == 3 ? expect : "");
	}
}

static void xml_elements_and_attributes_are_leaves(void **state)
{
	static const char soap[] =
		"<?xml version=\"1.0\"?>\n<!-- a comment -->\n<soap:Envelope xmlns:soap=\"http://x\" xmlns='y'>\n <soap:Body>\n"
		"  <m:User id=\"7\" m:kind='a &amp; b'>\n   <email>a@b.org</email>\n   <note>x &lt; <![CDATA[<y> &amp;]]> &#233;&#x20AC;</note>\n"
		"   <empty/><empty></empty><tag a=1 b/>\n  </m:User>\n </soap:Body>\n</soap:Envelope>";
	static const char expect[] =
		"xml.Envelope.Body.User.id id=7\nxml.Envelope.Body.User.kind kind=a & b\nxml.Envelope.Body.User.email email=a@b.org\n"
		"xml.Envelope.Body.User.note note=x < <y> &amp; \\xc3\\xa9\\xe2\\x82\\xac\n"
		"xml.Envelope.Body.User.tag.a a=1\nxml.Envelope.Body.User.tag.b b=\n";

	(void)state;
	assert_body("application/soap+xml; charset=utf-8", soap, "", FULL, expect);
	assert_body("", soap, "", FULL, expect);
	assert_survives("text/xml", soap, strlen(soap));
}

static void xml_expands_nothing_that_is_declared(void **state)
{
	static const char bomb[] = "<!DOCTYPE x [<!ENTITY a \"b>b\"><!ENTITY c SYSTEM \"file:///etc/passwd\">]><x y='&a;'>&a;&c;&lt;</x>";

	(void)state;
	assert_body("text/xml", bomb, "", FULL, "xml.x.y y=&a;\nxml.x x=&a;&c;<\n");
	assert_body("text/xml", "<!DOCTYPE x [", "", PART, "");
	assert_body("text/xml", "<a>1<!-- ", "", PART, "xml.a a=1\n");
}

static void xml_goes_on_where_ends_are_missing(void **state)
{
	(void)state;
	/* An outer end ends what is inside; one of nothing is of what began before. */
	assert_body("text/xml", "<a><b><c>1</b><d>2</d></a>", "c", PART, "xml.a.b.c c=1\nxml.a.d d=2\n");
	assert_body("text/xml", "il=\"a@b.org\">x</user><n>1</n></list>", "l", FULL, "xml.il il=a@b.org\nxml =x\nxml.n n=1\n");
	assert_body("text/xml", "rest</name><n>1</n>", "l", FULL, "xml =rest\nxml.n n=1\n");
	assert_body("text/xml", "<a>par", "c", PART, "xml.a a=par cut\n");
	assert_body("text/xml", "<a b=\"par", "c", PART, "xml.a.b b=par cut\n");
}

static void msgpack_is_walked(void **state)
{
	/* {"email":"a@b.org","n":-3,"l":[1,300,true,nil,1.5],"b":<bytes>,7:"x","m":{}, "e":ext, "i64":-2^63, "t":"text" bin} */
	static const char body[] = "\x89\xa5" "email\xa7" "a@b.org\xa1n\xfd\xa1l\x95\x01\xcd\x01\x2c\xc3\xc0\xcb\x3f\xf8\0\0\0\0\0\0\xa1" "b\xc4\x02\x01\xff"
				   "\x07\xa1x\xa1m\x80\xa1" "e\xd4\x05\x41\xa3i64\xd3\x80\0\0\0\0\0\0\0\xa1t\xc4\x04text";
	static const char expect[] = "$.email email=a@b.org\n$.n n=-3 number\n$.l[] l=1 number\n$.l[] l=300 number\n$.l[] l=true bool\n$.l[] l=null null\n"
				     "$.l[] l=1.5 number\n$.b b=\\x01\\xff bytes\n$.7 7=x\n$.e e=A\n$.i64 i64=-9223372036854775808 number\n$.t t=text\n";

	(void)state;
	assert_bytes("application/msgpack", BYTES(body), "", FULL, expect);
	assert_bytes("", BYTES(body), "", FULL, expect);
	assert_bytes("application/x-msgpack", BYTES("\x82\xa1" "a\xa3xy"), "c", PART, "$.a a=xy cut\n");
	/* Counts that are not there: nothing is made for them. */
	assert_bytes("application/msgpack", BYTES("\xdd\xff\xff\xff\xff\x01"), "", PART, "$[] =1 number\n");
	assert_bytes("application/msgpack", BYTES("\xdf\xff\xff\xff\xff\xdb\xff\xff\xff\xff" "ab"), "", PART, "$ =ab cut\n");
	assert_survives("application/msgpack", BYTES(body));
}

static void cbor_is_walked(void **state)
{
	/* 55799({"email":"a@b.org","n":-500,"l":[_ 1, 1.5 (half), null, true], "s":(_ "ab","cd"), "t":1(1700000000), 3:h'01'}) */
	static const char body[] = "\xd9\xd9\xf7\xa6\x65" "email\x67" "a@b.org\x61n\x39\x01\xf3\x61l\x9f\x01\xf9\x3e\x00\xf6\xf5\xff\x61s\x7f\x62" "ab\x62" "cd\xff"
				   "\x61t\xc1\x1a\x65\x53\xf1\x00\x03\x41\x01";
	static const char expect[] = "$.email email=a@b.org\n$.n n=-500 number\n$.l[] l=1 number\n$.l[] l=1.5 number\n$.l[] l=null null\n$.l[] l=true bool\n"
				     "$.s s=ab\n$.s s=cd\n$.t t=1700000000 number\n$.3 3=\\x01 bytes\n";

	(void)state;
	assert_bytes("application/cbor", BYTES(body), "", FULL, expect);
	assert_bytes("", BYTES(body), "", FULL, expect);
	assert_bytes("application/cbor-seq", BYTES("\x01\x61x\x80"), "", FULL, "$ =1 number\n$ =x\n");
	assert_bytes("application/cbor", BYTES("\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "", PART, "$[] =1 number\n");
	assert_bytes("application/cbor", BYTES("\xbf\x61" "a\x01\xff\x1c"), "", PART, "$.a a=1 number\n");
	assert_survives("application/cbor", BYTES(body));
}

static void bson_is_walked(void **state)
{
	/* {"email":"a@b.org","u":{"n":7},"l":["x",2.5],"ok":true,"z":null,"id":ObjectId,"d":date,"b":binary,"r":/x/i,"big":int64} */
	static const char body[] =
		"\xa1\0\0\0\x02" "email\0\x08\0\0\0a@b.org\0\x03u\0\x0c\0\0\0\x10n\0\x07\0\0\0\0"
		"\x04l\0\x1b\0\0\0\x02" "0\0\x02\0\0\0x\0\x01" "1\0\0\0\0\0\0\0\x04\x40\0\x08ok\0\x01\x0az\0"
		"\x07id\0\x65\x53\xf1\0\x01\x02\x03\x04\x05\x06\x07\x08\x09" "d\0\x00\x68\xe5\xcf\x8b\x01\0\0\x05" "b\0\x02\0\0\0\0\x01\x02"
		"\x0br\0x\0i\0\x12" "big\0\xff\xff\xff\xff\xff\xff\xff\xff\0";
	static const char expect[] = "$.email email=a@b.org\n$.u.n n=7 number\n$.l[] l=x\n$.l[] l=2.5 number\n$.ok ok=true bool\n$.z z=null null\n"
				     "$.id id=eS\\xf1\\x00\\x01\\x02\\x03\\x04\\x05\\x06\\x07\\x08 bytes\n$.d d=1700000000000 number\n"
				     "$.b b=\\x01\\x02 bytes\n$.r r=x\n$.big big=-1 number\n";
	static char two[2 * sizeof(body)];

	(void)state;
	assert_bytes("application/bson", BYTES(body), "", FULL, expect);
	memcpy(two, body, sizeof(body) - 1);
	memcpy(two + sizeof(body) - 1, "\x0c\0\0\0\x10m\0\x07\0\0\0\0", 12);
	assert_bytes("application/bson", two + sizeof(body) - 1, 12, "", FULL, "$.m m=7 number\n");
	assert_bytes("", two + sizeof(body) - 1, 12, "", FULL, "$.m m=7 number\n");
	assert_bytes("application/bson", BYTES("\xff\0\0\0\x02" "a\0\xff\0\0\0xyz"), "c", PART, "$.a a=xyz cut\n");
	assert_bytes("application/bson", BYTES("\xff\0\0\0\x02" "a\0\0\0\0\0xyz"), "", PART, "");
	assert_survives("application/bson", BYTES(body));
}

static void csv_columns_have_the_names_of_the_header(void **state)
{
	static const char body[] = "id,Full Name,e-mail\r\n1,\"Smith, \"\"Bert\"\"\",b@c.org\r\n2,,\"a\nb\"\r\n";
	static const char expect[] = "csv[].id id=1\ncsv[].Full_Name Full Name=Smith, \"Bert\"\ncsv[].e-mail e-mail=b@c.org\n"
				     "csv[].id id=2\ncsv[].e-mail e-mail=a\\x0ab\n";

	(void)state;
	assert_body("text/csv; header=present", body, "", FULL, expect);
	assert_body("", body, "", FULL, expect);
	assert_body("text/tab-separated-values", "a\tb\n1\t2,3\n", "", FULL, "csv[].a a=1\ncsv[].b b=2,3\n");
	assert_body("text/csv", "a;b\n1;2", "c", PART, "csv[].a a=1\ncsv[].b b=2 cut\n");
	/* No names: values without. */
	assert_body("text/csv", "1,b@c.org\n2,d@e.org", "", FULL, "csv[] =1\ncsv[] =b@c.org\ncsv[] =2\ncsv[] =d@e.org\n");
	assert_body("text/csv", "c.org,x\nid,d@e.org\n", "l", FULL, "csv =c.org,x\ncsv[] =id\ncsv[] =d@e.org\n");
	/* A quote without an end takes no more than its cell. */
	assert_body("text/csv", "a,b\n\"1,2\n3,4\n", "", FULL, "csv[].a a=\"1\ncsv[].b b=2\ncsv[].a a=3\ncsv[].b b=4\n");
	assert_body("text/csv", "a,b\n\"1\"x,2\n", "", FULL, "csv[].a a=1\"x\ncsv[].b b=2\n");
	assert_survives("text/csv", body, strlen(body));
	/* Prose is none, nor is what is no table. */
	assert_body("text/plain", "well, yes, no\nbut, and\nso\n", "", FULL, "body =well, yes, no\\x0abut, and\\x0aso\\x0a\n");
	assert_body("text/plain", "a,b,c\n1,2,3\n", "", FULL, "body =a,b,c\\x0a1,2,3\\x0a\n");
}

static void graphql_literals_are_leaves(void **state)
{
	static const char query[] = "mutation Add($card: String = \"4111\", $ids: [ID!]) {\n  # a comment \"x\"\n  new: createUser(email: \"a@b.org\", n: -1.5e3,"
				    " ok: true, kind: ADMIN, tags: [\"x\", \"y\"], address: {street: \"L\\u006fng \\\"Road\\\"\", zip: $zip}, note: \"\"\"\n block \"text\" \"\"\") {\n"
				    "    id friends(first: 10) { name }\n  }\n}";
	static const char expect[] = "graphql.card card=4111\ngraphql.createUser.email email=a@b.org\ngraphql.createUser.n n=-1.5e3 number\n"
				     "graphql.createUser.ok ok=true bool\ngraphql.createUser.tags[] tags=x\ngraphql.createUser.tags[] tags=y\n"
				     "graphql.createUser.address.street street=Long \"Road\"\ngraphql.createUser.note note=block \"text\"\n"
				     "graphql.createUser.friends.first first=10 number\n";

	(void)state;
	assert_body("application/graphql", query, "", FULL, expect);
	assert_body("application/graphql", "{ user(id: \"a@b", "c", PART, "graphql.user.id id=a@b cut\n");
	assert_survives("application/graphql", query, strlen(query));
	/* As APIs get it: a document with its variables beside. */
	assert_body("application/json", "{\"query\":\"query Q { user(mail: \\\"a@b.org\\\") { id } }\",\"variables\":{\"mail\":\"c@d.org\"}}", "", FULL,
		    "$.query.user.mail mail=a@b.org\n$.variables.mail mail=c@d.org\n");
	assert_body("application/json", "{\"query\":\"{ user(id: 7) { id } }\",\"q\":\"query { a }\"}", "", FULL,
		    "$.query.user.id id=7 number\n$.q q=query { a }\n");
}

static void html_is_one_text_and_its_forms(void **state)
{
	static const char page[] = "<!DOCTYPE html><html><head><title>Hi</title><style>p { x }</style><script>var a = \"<b>\";</script></head>\n"
				   "<body><p>Card: <b>4111&nbsp;1111</b> &amp; more</p><!-- no --><table><tr><th>Mail</th><td>a@b.org</td></tr></table>"
				   "<input name=\"phone\" value=\"1 &lt; 2\"><a href='mailto:x@y.org'>me</a> 1 < 2</body></html>";
	static const char expect[] = "html.script script=var a = \"<b>\";\nhtml.phone phone=1 < 2\nhtml.href href=mailto:x@y.org\n"
				     "html =Hi\\x0a\\x0aCard: 4111 1111 & more\\x0aMail a@b.org me 1 < 2\n";

	(void)state;
	assert_body("text/html; charset=utf-8", page, "", FULL, expect);
	assert_body("", page, "", FULL, expect);
	assert_body("text/html", "ss=\"x\">Mail a@b.org</p>", "l", FULL, "html =ss=\"x\">Mail a@b.org\n");
	assert_survives("text/html", page, strlen(page));
}

static void events_carry_contents(void **state)
{
	static const char body[] = ": hello\nevent: add\r\nid: 7\ndata: {\"email\":\"a@b.org\"}\n\ndata\ndata:text\n";

	(void)state;
	assert_body("text/event-stream", body, "", FULL, "event =hello\nevent.event event=add\nevent.id id=7\nevent.data.email email=a@b.org\nevent.data data=text\n");
	assert_body("text/event-stream", "rg\"}\ndata: a\ndata: b", "lc", PART, "event =rg\"} cut\nevent.data data=a\nevent.data data=b cut\n");
	assert_survives("text/event-stream", body, strlen(body));
}

static void files_are_known_and_not_opened(void **state)
{
	(void)state;
	assert_body("application/pdf", "%PDF-1.4 a@b.org", "", NONE, "");
	assert_body("text/plain", "%PDF-1.4 a@b.org", "", NONE, "");
	assert_bytes("application/vnd.openxmlformats-officedocument.wordprocessingml.document", BYTES("PK\x03\x04\x14\0\x06\0word/a@b.org"), "", NONE, "");
	assert_bytes("application/msword", BYTES("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 a@b.org"), "", NONE, "");
	assert_body("application/json", "{\"file\":\"JVBERi0xLjQgYUBiLm9yZyBhQGIub3Jn\",\"n\":1}", "", PART,
		    "$.file file=JVBERi0xLjQgYUBiLm9yZyBhQGIub3Jn\n$.n n=1 number\n");
}

#define JSON "application/json"

static void contents_inside_texts_are_opened(void **state)
{
	(void)state;
	assert_body(JSON, "{\"log\":\"{\\\"a\\\":\\\"[1]\\\"}\"}", "", FULL, "$.log.a[] a=1 number\n");
	assert_body(JSON, "{\"log\":\"[INFO] {x}\"}", "", FULL, "$.log log=[INFO] {x}\n");
	assert_body(JSON, "{\"soap\":\"<?xml version='1.0'?><u><mail>a@b.org</mail></u>\"}", "", FULL, "$.soap.u.mail mail=a@b.org\n");
	assert_body(JSON, "{\"h\":\"<p>Mail <b>a@b.org</b></p>\"}", "", FULL, "$.h h=Mail a@b.org\n");
	assert_body(JSON, "{\"h\":\"<a@b.org>\"}", "", FULL, "$.h h=<a@b.org>\n");
	assert_body(JSON, "{\"u\":\"data:application/json;base64,eyJtYWlsIjoiYUBiLm9yZyJ9\"}", "", FULL, "$.u.mail mail=a@b.org\n");
	assert_body(JSON, "{\"u\":\"data:,a%40b.org\"}", "", FULL, "$.u u=a@b.org\n");
	assert_body(JSON, "{\"u\":\"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAY=\"}", "", PART, "");
	assert_body(JSON, "{\"b\":\"eyJtYWlsIjoiYUBiLm9yZyJ9\"}", "", FULL, "$.b.mail mail=a@b.org\n$.b b=eyJtYWlsIjoiYUBiLm9yZyJ9\n");
	assert_body(JSON, "{\"b\":\"aXQgaXMgYUBiLm9yZw==\"}", "", FULL, "$.b b=it is a@b.org\n$.b b=aXQgaXMgYUBiLm9yZw==\n");
	/* What is no text in base64 is none: a word, an id, a digest. */
	assert_body(JSON, "[\"internationalization\",\"550e8400-e29b-41d4-a716-446655440000\",\"d41d8cd98f00b204e9800998ecf8427e\"]", "", FULL,
		    "$[] =internationalization\n$[] =550e8400-e29b-41d4-a716-446655440000\n$[] =d41d8cd98f00b204e9800998ecf8427e\n");
}

static void claims_of_a_token_are_leaves(void **state)
{
	/* {"alg":"HS256"} . {"sub":"a@b.org","n":1} */
	static const char token[] = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhQGIub3JnIiwibiI6MX0.c2lnbmF0dXJlLi4u";
	char body[256], expect[256];

	(void)state;
	snprintf(body, sizeof(body), "{\"token\":\"%s\"}", token);
	snprintf(expect, sizeof(expect), "$.token.sub sub=a@b.org\n$.token.n n=1 number\n$.token token=%s\n", token);
	assert_body(JSON, body, "", FULL, expect);
	snprintf(body, sizeof(body), "{\"auth\":\"Bearer %s\"}", token);
	snprintf(expect, sizeof(expect), "$.auth.sub sub=a@b.org\n$.auth.n n=1 number\n$.auth auth=Bearer %s\n", token);
	assert_body(JSON, body, "", FULL, expect);
	/* A token whose claims are encrypted, or none. */
	assert_body(JSON, "[\"eyJhbGciOiJkaXIifQ..x.y.z\",\"eyJhbGciOiJIUzI1NiJ9.\"]", "", FULL, "$[] =eyJhbGciOiJkaXIifQ..x.y.z\n$[] =eyJhbGciOiJIUzI1NiJ9.\n");
}

static size_t widen(char *out, const char *text, bool big, bool mark)
{
	size_t n = 0;

	if (mark) {
		out[n++] = (char)(big ? 0xfe : 0xff);
		out[n++] = (char)(big ? 0xff : 0xfe);
	}
	for (; *text; text++) {
		out[n++] = big ? 0 : *text;
		out[n++] = big ? *text : 0;
	}
	return n;
}

static void wide_texts_are_read(void **state)
{
	char wide[256];

	(void)state;
	for (int how = 0; how < 4; how++) {
		assert_bytes(JSON, wide, widen(wide, "{\"mail\":\"a@b.org\"}", how & 1, how & 2), "", FULL, "$.mail mail=a@b.org\n");
		assert_bytes("text/xml; charset=utf-16", wide, widen(wide, "<m>a@b.org</m>", how & 1, how & 2), "", FULL, "xml.m m=a@b.org\n");
		assert_bytes("", wide, widen(wide, "mail a@b.org", how & 1, how & 2), "", FULL, "body =mail a@b.org\n");
	}
	assert_bytes("text/plain", BYTES("\xff\xfe\x3d\xd8\x00\xde\x3d\xd8x"), "", FULL, "body =\\xf0\\x9f\\x98\\x80\\xef\\xbf\\xbd\n");
	assert_survives("text/plain; charset=UTF-16LE", wide, widen(wide, "{\"mail\":\"a@b.org\"}", false, true));
}

static void a_form_carries_contents(void **state)
{
	(void)state;
	assert_body("application/x-www-form-urlencoded", "payload=%7B%22user%22%3A%7B%22mail%22%3A%22a%40b.org%22%7D%7D&x=1", "", FULL,
		    "form.payload.user.mail mail=a@b.org\nform.x x=1\n");
	assert_body(FORM, "--XX\r\nContent-Disposition: form-data; name=f\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\na=b&c=d\r\n--XX--", "", FULL,
		    "multipart.f.a a=b\nmultipart.f.c c=d\n");
}

/* Base64 in base64, JSON in JSON in JSON …: each step costs, and there are few. */
static void nesting_ends(void **state)
{
	(void)state;
	/* base64 of {"b":"eyJjIjoiYUBiLm9yZyJ9"} */
	assert_body(JSON, "{\"a\":\"eyJiIjoiZXlKaklqb2lZVUJpTG05eVp5SjkifQ==\"}", "", FULL,
		    "$.a.b b=eyJjIjoiYUBiLm9yZyJ9\n$.a a=eyJiIjoiZXlKaklqb2lZVUJpTG05eVp5SjkifQ==\n");
	assert_body(JSON, "[\"[\\\"[\\\\\\\"[\\\\\\\\\\\\\\\"[1]\\\\\\\\\\\\\\\"]\\\\\\\"]\\\"]\"]", "", FULL, "$[][][][] =[1]\n");
}

static void what_costs_too_much_is_left(void **state)
{
	static const struct { const char *type, *piece; } floods[] = {
		{ "text/xml", "<a>" }, { "text/xml", "</a>" }, { "text/xml", "<a b=c d=e" }, { "text/xml", "<!--" }, { "text/xml", "&#x41;" }, { "text/xml", "<![CDATA[x]]>" },
		{ "text/html", "<p>" }, { "text/html", "<a " }, { "text/html", "<script>" }, { "text/html", "&lt;" }, { "text/csv", "\"," }, { "text/csv", "\"\"" },
		{ "text/csv", "a," }, { "text/csv", "\n" }, { FORM, "--XX\r\n\r\n" }, { FORM, "\n--XX" }, { FORM, "--XX " }, { "application/graphql", "{a(" },
		{ "application/graphql", "\"\"\"" }, { "application/graphql", "[" }, { "application/msgpack", "\x91" }, { "application/msgpack", "\x81\xa1x" },
		{ "application/cbor", "\x9f" }, { "application/cbor", "\xbf" }, { "application/cbor", "\xc1" }, { "application/cbor", "\x7f\x61x" },
		{ "application/bson", "\x10" }, { JSON, "[\"" }, { JSON, "\"{\\\"" }, { JSON, "{\"a\":" }, { JSON, "\"a" }, { JSON, "\"a\"b" },
		{ "text/event-stream", "a:b\n" }, { "", "--x\r\n" }, { JSON, "\"<a>\"," }, { JSON, "\"YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh\"," },
	};
	struct world w = { 0 };
	size_t len = 1 << 20;
	char *body = malloc(len);

	(void)state;
	assert_non_null(body);
	for (size_t i = 0; i < sizeof(floods) / sizeof(floods[0]); i++) {
		size_t n = strlen(floods[i].piece);

		for (size_t at = 0; at < len; at++)
			body[at] = floods[i].piece[at % n];
		world_decode(&w, floods[i].type, body, len, i & 1 ? "c" : "");
		assert_true(w.job.fields <= CONTENT_FIELDS);
		/* Nothing is paid for: nothing is done. */
		w.credit = 1;
		world_decode(&w, floods[i].type, body, len, "");
		assert_int_equal(w.job.fields, 0);
		assert_int_equal(w.done, NONE);
		w.credit = 0;
	}
	world_free(&w);
	free(body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(multipart_parts_are_read_by_their_own_type),
		cmocka_unit_test(multipart_tells_what_it_did_not_see),
		cmocka_unit_test(multipart_undoes_the_coding_of_a_part),
		cmocka_unit_test(multipart_nests_three_deep_and_no_deeper),
		cmocka_unit_test(xml_elements_and_attributes_are_leaves),
		cmocka_unit_test(xml_expands_nothing_that_is_declared),
		cmocka_unit_test(xml_goes_on_where_ends_are_missing),
		cmocka_unit_test(msgpack_is_walked),
		cmocka_unit_test(cbor_is_walked),
		cmocka_unit_test(bson_is_walked),
		cmocka_unit_test(csv_columns_have_the_names_of_the_header),
		cmocka_unit_test(graphql_literals_are_leaves),
		cmocka_unit_test(html_is_one_text_and_its_forms),
		cmocka_unit_test(events_carry_contents),
		cmocka_unit_test(files_are_known_and_not_opened),
		cmocka_unit_test(contents_inside_texts_are_opened),
		cmocka_unit_test(claims_of_a_token_are_leaves),
		cmocka_unit_test(wide_texts_are_read),
		cmocka_unit_test(a_form_carries_contents),
		cmocka_unit_test(nesting_ends),
		cmocka_unit_test(what_costs_too_much_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
