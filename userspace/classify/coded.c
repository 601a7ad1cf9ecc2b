/* SPDX-License-Identifier: Apache-2.0 */
/* coded.c - see coded.h. */
#include "classify/coded.h"

static const struct said { const char *text, *key; } systems[] = {
	{ "http://hl7.org/fhir/sid/icd-10", "icdcode" }, { "http://hl7.org/fhir/sid/icd-10-cm", "icdcode" }, { "http://fhir.de/CodeSystem/bfarm/icd-10-gm", "icdcode" },
	{ "urn:oid:2.16.840.1.113883.6.90", "icdcode" }, { "urn:oid:2.16.840.1.113883.6.3", "icdcode" },
	{ "http://snomed.info/sct", "snomedct" }, { "urn:oid:2.16.840.1.113883.6.96", "snomedct" },
	{ "http://loinc.org", "loinccode" }, { "urn:oid:2.16.840.1.113883.6.1", "loinccode" },
	{ "http://www.ama-assn.org/go/cpt", "cpt" }, { "urn:oid:2.16.840.1.113883.6.12", "cpt" },
	{ "http://hl7.org/fhir/sid/ndc", "ndccode" }, { "urn:oid:2.16.840.1.113883.6.69", "ndccode" },
	{ "http://hl7.org/fhir/sid/us-ssn", "ssn" }, { "urn:oid:2.16.840.1.113883.4.1", "ssn" },
	{ "http://hl7.org/fhir/sid/us-npi", "npi" }, { "urn:oid:2.16.840.1.113883.4.6", "npi" },
	{ "http://hl7.org/fhir/sid/us-mbi", "mbi" }, { "http://hl7.org/fhir/sid/us-medicare", "mbi" }, { "http://terminology.hl7.org/NamingSystem/cmsMBI", "mbi" },
	{ "https://fhir.nhs.uk/Id/nhs-number", "nhsnumber" },
	{ NULL, NULL }
};
/* HL7 table 0203. */
static const struct said types[] = { { "MR", "medicalrecordnumber" }, { "MRN", "medicalrecordnumber" }, { "SS", "ssn" }, { "NPI", "npi" }, { "MB", "insurancememberid" },
				     { "PPN", "passportnumber" }, { "DL", "driverslicensenumber" }, { NULL, NULL } };

static struct slice key_of(const struct said *s, struct slice value)
{
	for (; s->text; s++)
		if (strlen(s->text) == value.len && !memcmp(s->text, value.ptr, value.len))
			return (struct slice){ (const uint8_t *)s->key, strlen(s->key) };
	return (struct slice){ NULL, 0 };
}

struct slice coded_system(struct slice value)
{
	return key_of(systems, value);
}

struct slice coded_type(struct slice value)
{
	return key_of(types, value);
}
