/* SPDX-License-Identifier: Apache-2.0 */
/* link.c - takes link and network headers off a packet. Checksums are not looked at: of what this
 * host sent, a network card was to fill them in after the capture. */
#include <pcap/pcap.h>
#include <string.h>
#include <sys/socket.h>

#include "capture/packet/private.h"

#define TAGS_MAX	8	/* VLAN tags of a frame */
#define EXTENSIONS_MAX	16	/* headers between IPv6 and its payload */

enum { ETHER_IPV4 = 0x0800, ETHER_IPV6 = 0x86dd };

static bool is_vlan(uint32_t type)
{
	return type == 0x8100 || type == 0x88a8 || type == 0x9100;
}

/* ---- transports ---- */

static bool tcp_parse(struct segment *s, struct span p)
{
	size_t header;

	if (p.len < 20)
		return false;
	header = (size_t)(p.ptr[12] >> 4) * 4;
	s->from.port = (uint16_t)get16(p.ptr);
	s->to.port = (uint16_t)get16(p.ptr + 2);
	s->seq = get32(p.ptr + 4);
	s->ack = get32(p.ptr + 8);
	s->flags = p.ptr[13];
	if (header < 20 || header > p.wire)
		return false;
	if (!span_pull(&p, header)) {	/* the options were cut */
		p.wire -= header;
		p.len = 0;
	}
	s->payload = p;
	return true;
}

static bool udp_parse(struct segment *s, struct span p)
{
	size_t len;

	if (p.len < 8)
		return false;
	s->from.port = (uint16_t)get16(p.ptr);
	s->to.port = (uint16_t)get16(p.ptr + 2);
	len = get16(p.ptr + 4);
	if (len < 8 && len)	/* 0: a jumbogram */
		return false;
	if (len)
		span_limit(&p, len);
	s->payload = p;
	return span_pull(&s->payload, 8);
}

void ip_payload(struct packets *t, struct segment *s, uint8_t protocol, struct span p)
{
	s->protocol = protocol;
	if (protocol != TCP && protocol != UDP) {
		t->stats->not_tcp_or_udp++;
		return;
	}
	if (!(protocol == TCP ? tcp_parse(s, p) : udp_parse(s, p))) {
		if (p.len < p.wire)
			t->stats->truncated++;
		else
			t->stats->malformed++;
		return;
	}
	if (s->payload.len < s->payload.wire) {
		t->stats->truncated++;
		t->stats->truncated_bytes += s->payload.wire - s->payload.len;
	}
	table_segment(t, s);
}

/* ---- network ---- */

static bool ipv4_parse(struct packets *t, struct span p)
{
	struct segment s = { .family = AF_INET, .at = t->now };
	size_t header, total;
	uint32_t fragment, id;
	uint8_t protocol;

	if (p.len < 20 || p.ptr[0] >> 4 != 4)
		return false;
	header = (size_t)(p.ptr[0] & 15) * 4;
	total = get16(p.ptr + 2);
	if (header < 20)
		return false;
	if (total) {	/* 0: longer than it can say, as what a card cuts into segments is */
		if (total < header)
			return false;
		span_limit(&p, total);
	}
	id = get16(p.ptr + 4);
	fragment = get16(p.ptr + 6);
	protocol = p.ptr[9];
	memcpy(s.from.addr, p.ptr + 12, 4);
	memcpy(s.to.addr, p.ptr + 16, 4);
	if (!span_pull(&p, header))
		return false;
	if (fragment & 0x3fff)
		fragment_take(t, &s, protocol, id, (fragment & 0x1fff) * 8, fragment & 0x2000, p);
	else
		ip_payload(t, &s, protocol, p);
	return true;
}

enum { HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, AUTHENTICATION = 51, DESTINATION = 60, MOBILITY = 135 };

/* Passes the extension headers, RFC 8200 4. False: one is cut. True with next FRAGMENT: p begins with that one. */
static bool extensions_pass(struct span *p, uint8_t *next)
{
	for (unsigned i = 0; i < EXTENSIONS_MAX; i++) {
		size_t len;

		switch (*next) {
		case HOP_BY_HOP:
		case ROUTING:
		case DESTINATION:
		case MOBILITY:
			if (p->len < 2)
				return false;
			len = ((size_t)p->ptr[1] + 1) * 8;
			break;
		case AUTHENTICATION:
			if (p->len < 2)
				return false;
			len = ((size_t)p->ptr[1] + 2) * 4;
			break;
		default:
			return true;
		}
		*next = p->ptr[0];
		if (!span_pull(p, len))
			return false;
	}
	return false;
}

static bool ipv6_parse(struct packets *t, struct span p)
{
	struct segment s = { .family = AF_INET6, .at = t->now };
	uint32_t len, part, id;
	uint8_t next;

	if (p.len < 40 || p.ptr[0] >> 4 != 6)
		return false;
	len = get16(p.ptr + 4);
	next = p.ptr[6];
	memcpy(s.from.addr, p.ptr + 8, 16);
	memcpy(s.to.addr, p.ptr + 24, 16);
	if (!span_pull(&p, 40))
		return false;
	if (len)	/* 0: a jumbogram */
		span_limit(&p, len);
	if (!extensions_pass(&p, &next))
		return false;
	if (next != FRAGMENT) {
		ip_payload(t, &s, next, p);
		return true;
	}
	if (p.len < 8)
		return false;
	next = p.ptr[0];
	part = get16(p.ptr + 2);
	id = get32(p.ptr + 4);
	if (!span_pull(&p, 8))
		return false;
	if (!(part & 0xfff9))	/* all of it: RFC 6946 */
		return extensions_pass(&p, &next) ? ip_payload(t, &s, next, p), true : false;
	fragment_take(t, &s, next, id, part & 0xfff8, part & 1, p);
	return true;
}

static void network_packet(struct packets *t, uint32_t type, struct span p)
{
	bool cut = p.len < p.wire;

	if (type != ETHER_IPV4 && type != ETHER_IPV6)
		t->stats->not_ip++;
	else if (!(type == ETHER_IPV4 ? ipv4_parse(t, p) : ipv6_parse(t, p)))
		*(cut ? &t->stats->truncated : &t->stats->malformed) += 1;
}

/* ---- links ---- */

/* Of a link that says nothing else, the network is in the first four bits. */
static void raw_packet(struct packets *t, struct span p)
{
	network_packet(t, !p.len ? 0 : p.ptr[0] >> 4 == 4 ? ETHER_IPV4 : p.ptr[0] >> 4 == 6 ? ETHER_IPV6 : 0, p);
}

/* The type stands at the end of a header of some bytes; behind it VLAN tags may follow. */
static void typed_packet(struct packets *t, size_t type_at, size_t header, struct span p)
{
	uint32_t type;

	if (p.len < header) {
		t->stats->malformed++;
		return;
	}
	type = get16(p.ptr + type_at);
	span_pull(&p, header);
	for (unsigned i = 0; is_vlan(type) && i < TAGS_MAX; i++) {
		if (p.len < 4)
			break;
		type = get16(p.ptr + 2);
		span_pull(&p, 4);
	}
	network_packet(t, type, p);
}

/* The address family, by the machine that captured: either order, and IPv6 has a number in each system. */
static void family_packet(struct packets *t, struct span p)
{
	uint32_t family;

	if (p.len < 4) {
		t->stats->malformed++;
		return;
	}
	family = get32(p.ptr);
	if (family > 0xffff)
		family = __builtin_bswap32(family);
	span_pull(&p, 4);
	if (family == 2)
		network_packet(t, ETHER_IPV4, p);
	else
		network_packet(t, family == 10 || family == 24 || family == 28 || family == 30 ? ETHER_IPV6 : 0, p);
}

bool link_is_known(int dlt)
{
	switch (dlt) {
	case DLT_EN10MB:
	case DLT_LINUX_SLL:
	case DLT_LINUX_SLL2:
	case DLT_NULL:
	case DLT_LOOP:
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
		return true;
	}
	return false;
}

void link_packet(struct packets *t, int dlt, struct span p)
{
	switch (dlt) {
	case DLT_EN10MB:
		typed_packet(t, 12, 14, p);
		return;
	case DLT_LINUX_SLL:
		typed_packet(t, 14, 16, p);
		return;
	case DLT_LINUX_SLL2:
		typed_packet(t, 0, 20, p);
		return;
	case DLT_NULL:
	case DLT_LOOP:
		family_packet(t, p);
		return;
	default:
		raw_packet(t, p);
	}
}
