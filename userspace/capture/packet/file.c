/* SPDX-License-Identifier: Apache-2.0 */
/* file.c - reads a capture file through libpcap, which knows .pcap and .pcapng of either byte order
 * and any precision of time. */
#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/packet/private.h"

#define MINUTE_NS INTERVAL_NS
#define DAY_MS 86400000ull

/* libpcap has ways to capture from the D-Bus, which we never do: with these in their place its
 * archive wants no library of the D-Bus, and no role has to load one (and those that it wants). */
int dbus_findalldevs(void *, char *);
void *dbus_create(const char *, char *, int *);
int dbus_findalldevs(void *list, char *why)
{
	return 0;
}
void *dbus_create(const char *device, char *why, int *is_ours)
{
	*is_ours = 0;
	return NULL;
}

bool packet_file_is(FILE *f)
{
	static const uint32_t magic[] = { 0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34, 0x0a0d0d0a };
	uint32_t first = 0;
	bool is = false;

	if (fread(&first, sizeof(first), 1, f) == 1)
		for (size_t i = 0; i < sizeof(magic) / sizeof(magic[0]); i++)
			is |= first == magic[i] || __builtin_bswap32(first) == magic[i];
	rewind(f);
	return is;
}

/* Time 0 is a day before the first packet: others may be older than that one. No packet has it: there it is not known. */
static void time_take(struct packets *t, const struct pcap_pkthdr *h)
{
	int64_t sec = h->ts.tv_sec, nsec = h->ts.tv_usec;	/* nanoseconds: so it was opened */
	uint64_t utc, minute;

	sec = sec < 0 ? 0 : sec > INT64_C(8000000000) ? INT64_C(8000000000) : sec;
	nsec = nsec < 0 ? 0 : nsec > 999999999 ? 999999999 : nsec;
	utc = (uint64_t)sec * 1000000000u + (uint64_t)nsec;
	if (!t->now.epoch) {
		t->base_ms = utc / 1000000 > DAY_MS ? utc / 1000000 - DAY_MS : 0;
		t->first_minute = utc / MINUTE_NS;
		t->now.epoch = 1;
	}
	t->now.time = utc > t->base_ms * 1000000 ? utc - t->base_ms * 1000000 : 1;
	if (t->now.time > POSITION_MAX)
		t->now.time = POSITION_MAX;
	minute = utc / MINUTE_NS;
	if (minute > t->first_minute && minute - t->first_minute + 1 > t->now.epoch)
		t->now.epoch = (uint32_t)(minute - t->first_minute + 1);
	t->sink.time(t->sink.owner, t->base_ms, t->now);
}

static int link_refuse(struct packets *t, int dlt)
{
	const char *name = pcap_datalink_val_to_name(dlt);

	snprintf(t->why, t->why_size, "its link type is %d (%s), of which weir knows nothing: capture on an Ethernet, loopback or "
		 "\"any\" interface (Ethernet, Linux cooked, NULL, LOOP and raw IP are read)", dlt, name ? name : "unknown");
	return -EPROTONOSUPPORT;
}

static int file_read(struct packets *t, pcap_t *p)
{
	int dlt = pcap_datalink(p), rc;
	struct pcap_pkthdr *h;
	const uint8_t *bytes;

	if (!link_is_known(dlt))
		return link_refuse(t, dlt);
	while ((rc = pcap_next_ex(p, &h, &bytes)) == 1) {
		struct span s = { bytes, h->caplen < h->len ? h->caplen : h->len, h->len };

		t->stats->packets++;
		time_take(t, h);
		link_packet(t, dlt, s);
	}
	if (rc == PCAP_ERROR_BREAK)	/* the end of the file */
		return 0;
	snprintf(t->why, t->why_size, "after %llu packets: %s%s", (unsigned long long)t->stats->packets, pcap_geterr(p),

		 strstr(pcap_geterr(p), "different from the type of the first interface") ? ": of several interfaces those are read together that "
		 "have the same link type; capture the others to files of their own" : "");
	return -EBADMSG;
}

/* libpcap closes its file: it gets one of its own. */
static pcap_t *file_open(FILE *f, char *why, size_t why_size)
{
	char error[PCAP_ERRBUF_SIZE] = "";
	pcap_t *p = NULL;
	int fd = dup(fileno(f));
	FILE *own = fd < 0 ? NULL : fdopen(fd, "r");

	if (own && lseek(fd, 0, SEEK_SET) == 0)
		p = pcap_fopen_offline_with_tstamp_precision(own, PCAP_TSTAMP_PRECISION_NANO, error);
	if (p)
		return p;
	snprintf(why, why_size, "this is no capture that can be read: %s", error[0] ? error : strerror(errno));
	if (own)
		fclose(own);
	else if (fd >= 0)
		close(fd);
	return NULL;
}

int packet_read(FILE *f, const struct packet_options *options, const struct packet_sink *sink, struct packet_stats *stats,
		char *why, size_t why_size)
{
	struct packets *t = calloc(1, sizeof(*t));
	struct keylog *keys = options->keys;
	int err, full;
	pcap_t *p;

	*stats = (struct packet_stats){ 0 };
	full = inside_keys(f, &keys, stats);
	p = file_open(f, why, why_size);
	err = -ENOMEM;
	if (full) {
		keylog_full(why, why_size);
	} else if (p && t) {
		*t = (struct packets){
			.options = *options, .sink = *sink, .stats = stats, .why = why, .why_size = why_size,
			.streams.ns = REST_STREAM_NS, .datagrams.ns = REST_DATAGRAM_NS, .ended.ns = LINGER_NS,
		};
		t->options.keys = keylog_has(keys) ? keys : NULL;
		t->fragments = fragments_new();
		if (t->fragments && !random_bytes(&t->key, sizeof(t->key)))
			err = file_read(t, p);
		else
			snprintf(why, why_size, "no memory to read the capture");
		table_end(t);
		fragments_free(t);
	} else if (p) {
		snprintf(why, why_size, "no memory to read the capture");
	} else {
		err = -EBADMSG;
	}
	if (p)
		pcap_close(p);
	if (!options->keys)
		keylog_free(keys);
	free(t);
	return err;
}
