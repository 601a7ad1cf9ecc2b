/* SPDX-License-Identifier: Apache-2.0 */
/* words_device.c - by what programs tell one device or browser from all others, by the names of fields. */
#include <string.h>

#include "classify/words.h"

/* Of advertisers: zero where the user has said no. */
static bool is_advertising_id(struct slice v)
{
	size_t zeros = 0;

	for (size_t i = 0; i < v.len; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23 ? v.ptr[i] != '-' : !is_hex(v.ptr[i]))
			return false;
		zeros += v.ptr[i] == '0';
	}
	return zeros < 32;
}

WORD_CLASS(class_advertising_id, "advertising_id", GROUP_PII, "advertising identifier of a device (IDFA, GAID)",
	KEYS(K("idfa"), K("idfv"), K("gaid"), K("aaid"), K("adid"), K("ifa"), K("oaid"), K("advertisingid"), K("advertisingidentifier"), K("advertiserid"),
	     K("googleadid"), K("googleadvertisingid"), K("googleaid"), K("androidadvertisingid"), K("appleadid"), K("rdid"), K("rida"), K("tifa"), K("lgudid"),
	     K("advertisementid"), K("identifierforadvertisers"), K("deviceifa"), K("mobileadid"), K("maid"), K("werbeid"), K("identifiantpublicitaire"),
	     K("iddepublicidad")),
	WORDS("-enabled", "-limited"), .ok = is_advertising_id, .min = 36, .max = 36, .says = 50);

/* A digest of what a browser tells of itself, or words of it as they are. */
static bool is_fingerprint(struct slice v)
{
	return is_secret_text(v) && v.len <= 128 && !slice_begins(v, 0, "SHA256:") && !memchr(v.ptr, ':', v.len);
}

WORD_CLASS(class_device_fingerprint, "device_fingerprint", GROUP_PII, "fingerprint of a browser or device",
	KEYS(K("devicefingerprint"), K("browserfingerprint"), K("fingerprintid"), K("visitorfingerprint"), K("canvasfingerprint"), K("fpvisitorid"),
	     K("fingerprinthash"), K("clientfingerprint"), K("webglfingerprint"), K("audiofingerprint"), K("geraetefingerabdruck"), K("empreintenavigateur")),
	WORDS("key", "ssh", "cert", "certificate", "-algorithm"), .ok = is_fingerprint, .min = 16, .max = 128, .says = 36);
