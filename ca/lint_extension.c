#include <stdio.h>
#include <string.h>

#include "ca/lint.h"

#define KEY_ID_LEAST 8
#define KEY_ID_MOST 32

/* The extensions we know, by the last byte of 2.5.29.x. */
enum extension {
	EXT_SUBJECT_ID = 14,
	EXT_USAGE = 15,
	EXT_SAN = 17,
	EXT_BASIC = 19,
	EXT_CONSTRAINTS = 30,
	EXT_ISSUER_ID = 35,
	EXT_EXTENDED = 37,
};

/* Bits of keyUsage, as in its first byte. */
#define USAGE_SIGNATURE 0x80
#define USAGE_CERT_SIGN 0x04
#define USAGE_CRL_SIGN 0x02

struct seen {
	struct der value[64]; /* By number; .bad: not there. */
	bool critical[64];
};

static bool is_ca(enum record_kind kind)
{
	return (kind == KIND_ROOT || kind == KIND_ISSUER);
}

/* Sorts one extension into ${s}. */
static void sort_one(struct lint *l, struct der *list, struct seen *s)
{
	struct der e = der_take(list, DER_SEQUENCE);
	struct der oid = der_take(&e, DER_OID), flag, value;
	bool critical = false;
	uint8_t id;

	if (der_peek(&e) == DER_BOOLEAN) {
		flag = der_take(&e, DER_BOOLEAN);
		critical = true;
		lint_that(l, flag.n == 1 && flag.p[0] == 0xff,
		    "an extension's critical flag is not TRUE in DER");
	}
	value = der_take(&e, DER_OCTETS);
	if (!der_end(&e)) {
		lint_add(l, "an extension is broken");
		list->bad = true;
		return;
	}
	if (oid.n != 3 || oid.p[0] != 0x55 || oid.p[1] != 0x1d ||
	    oid.p[2] >= 64) {
		lint_add(l, "there is an extension we do not write%s",
		    critical ? " (critical)" : "");
		return;
	}
	id = oid.p[2];
	if (!s->value[id].bad)
		lint_add(l, "the extension 2.5.29.%u is there twice", id);
	s->value[id] = value;
	s->critical[id] = critical;
}

static void lint_known(struct lint *l, const struct seen *s)
{
	static const enum extension known[] = { EXT_SUBJECT_ID, EXT_USAGE,
		EXT_SAN, EXT_BASIC, EXT_CONSTRAINTS, EXT_ISSUER_ID,
		EXT_EXTENDED };

	for (unsigned id = 0; id < 64; id++) {
		bool ok = s->value[id].bad;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			ok = ok || known[i] == id;
		if (!ok)
			lint_add(l,
			    "there is an extension we do not write: "
			    "2.5.29.%u",
			    id);
	}
}

static void lint_basic(
    struct lint *l, const struct seen *s, enum record_kind kind)
{
	static const uint8_t leaf[] = { 0x30, 0x00 };
	static const uint8_t root[] = { 0x30, 6, 1, 1, 0xff, 2, 1, 1 };
	static const uint8_t issuer[] = { 0x30, 6, 1, 1, 0xff, 2, 1, 0 };
	const struct der *v = &s->value[EXT_BASIC];

	if (!lint_that(l, !v->bad, "it has no basicConstraints"))
		return;
	lint_that(
	    l, s->critical[EXT_BASIC], "basicConstraints is not critical");
	if (kind == KIND_ROOT)
		lint_that(l, der_is(v, root, sizeof(root)),
		    "a root's basicConstraints is not CA with path length 1");
	else if (kind == KIND_ISSUER)
		lint_that(l, der_is(v, issuer, sizeof(issuer)),
		    "an issuer's basicConstraints is not CA with path length "
		    "0");
	else
		lint_that(l, der_is(v, leaf, sizeof(leaf)),
		    "a leaf's basicConstraints is not empty");
}

static void lint_usage(
    struct lint *l, const struct seen *s, enum record_kind kind)
{
	/* BIT STRING: unused bits, then one byte; no zero bits at the end. */
	static const uint8_t ca[] = { DER_BITS, 2, 1,
		USAGE_CERT_SIGN | USAGE_CRL_SIGN };
	static const uint8_t leaf[] = { DER_BITS, 2, 7, USAGE_SIGNATURE };
	const struct der *v = &s->value[EXT_USAGE];

	if (!lint_that(l, !v->bad, "it has no keyUsage"))
		return;
	lint_that(l, s->critical[EXT_USAGE], "keyUsage is not critical");
	if (is_ca(kind))
		lint_that(l, der_is(v, ca, sizeof(ca)),
		    "a CA's keyUsage is not keyCertSign and cRLSign alone");
	else
		lint_that(l, der_is(v, leaf, sizeof(leaf)),
		    "a leaf's keyUsage is not digitalSignature alone");
}

static void lint_extended(
    struct lint *l, const struct seen *s, enum record_kind kind)
{
	static const uint8_t purpose[] = { 0x2b, 6, 1, 5, 5, 7, 3 };
	struct der v = s->value[EXT_EXTENDED], list;
	bool server = false, client = false, other = false;

	if (kind == KIND_ROOT) {
		lint_that(l, v.bad, "a root has an extended key usage");
		return;
	}
	if (!lint_that(l, !v.bad, "it has no extended key usage"))
		return;
	list = der_take(&v, DER_SEQUENCE);
	while (!list.bad && list.n > 0) {
		struct der oid = der_take(&list, DER_OID);
		bool ours = oid.n == 8 && memcmp(oid.p, purpose, 7) == 0;

		if (ours && oid.p[7] == 1)
			server = true;
		else if (ours && oid.p[7] == 2)
			client = true;
		else
			other = true;
	}
	lint_that(l, der_end(&v) && der_end(&list) && !other,
	    "the extended key usage is broken or names other purposes");
	if (kind == KIND_CLIENT)
		lint_that(l, client && !server,
		    "a client's extended key usage is not clientAuth alone");
	else if (kind == KIND_SERVER)
		lint_that(l, server && !client,
		    "a server's extended key usage is not serverAuth alone");
	else
		lint_that(l, server && client,
		    "an issuer's extended key usage is not clientAuth and "
		    "serverAuth");
}

static void lint_ids(struct lint *l, const struct seen *s)
{
	struct der v = s->value[EXT_SUBJECT_ID], id, in;

	if (lint_that(l, !v.bad, "it has no subject key identifier")) {
		id = der_take(&v, DER_OCTETS);
		lint_that(l,
		    der_end(&v) && id.n >= KEY_ID_LEAST &&
			id.n <= KEY_ID_MOST && !s->critical[EXT_SUBJECT_ID],
		    "the subject key identifier is broken or critical");
	}
	v = s->value[EXT_ISSUER_ID];
	if (lint_that(l, !v.bad, "it has no authority key identifier")) {
		in = der_take(&v, DER_SEQUENCE);
		id = der_take(&in, DER_CONTEXT(0));
		lint_that(l,
		    der_end(&v) && der_end(&in) && id.n >= KEY_ID_LEAST &&
			id.n <= KEY_ID_MOST && !s->critical[EXT_ISSUER_ID],
		    "the authority key identifier is not a key id alone, or "
		    "critical");
	}
}

static bool dns_ok(const struct der *name)
{
	if (name->n == 0 || name->n > 253 || name->p[0] == '.' ||
	    name->p[name->n - 1] == '.')
		return (false);
	for (size_t i = 0; i < name->n; i++) {
		uint8_t c = name->p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '-' && c != '.')
			return (false);
		if (c == '.' && name->p[i - 1] == '.')
			return (false);
	}
	return (true);
}

static bool uri_ok(const struct der *name)
{
	static const char ours[] = "urn:sichernetz:account:";

	if (name->n <= sizeof(ours) - 1 ||
	    memcmp(name->p, ours, sizeof(ours) - 1) != 0)
		return (false);
	for (size_t i = 0; i < name->n; i++)
		if (name->p[i] <= 0x20 || name->p[i] >= 0x7f)
			return (false);
	return (true);
}

static void lint_one_san(
    struct lint *l, struct der *list, enum record_kind kind)
{
	uint8_t tag;
	struct der name = der_next(list, &tag);
	bool ok;

	if (kind == KIND_SERVER)
		ok = (tag == DER_CONTEXT(2) && dns_ok(&name)) ||
		     (tag == DER_CONTEXT(7) && (name.n == 4 || name.n == 16));
	else
		ok = tag == DER_CONTEXT(6) && uri_ok(&name);
	lint_that(l, ok,
	    kind == KIND_SERVER
		? "a server's alternative name is neither a DNS name nor an "
		  "address"
		: "a client's alternative name is not a URN of ours");
}

static void lint_sans(
    struct lint *l, const struct seen *s, enum record_kind kind)
{
	struct der v = s->value[EXT_SAN], list;
	unsigned count = 0;

	if (is_ca(kind)) {
		lint_that(l, v.bad, "a CA has alternative names");
		return;
	}
	if (!lint_that(l, !v.bad, "it has no subject alternative name"))
		return;
	list = der_take(&v, DER_SEQUENCE);
	for (; !list.bad && list.n > 0; count++)
		lint_one_san(l, &list, kind);
	lint_that(l, der_end(&v) && der_end(&list) && count > 0,
	    "the alternative names are empty or broken");
	if (kind == KIND_CLIENT)
		lint_that(l, count == 1,
		    "a client has more than one alternative name");
	lint_that(l, !s->critical[EXT_SAN],
	    "the alternative names are critical beside a subject");
}

static void lint_constraints(
    struct lint *l, const struct seen *s, enum record_kind kind)
{
	if (s->value[EXT_CONSTRAINTS].bad)
		return;
	lint_that(l, kind == KIND_ISSUER && s->critical[EXT_CONSTRAINTS],
	    "name constraints are not critical, or not an issuer's");
}

void lint_extensions(struct lint *l, struct der list, enum record_kind kind)
{
	struct seen s;

	for (size_t i = 0; i < 64; i++) {
		s.value[i] = (struct der){ NULL, 0, true };
		s.critical[i] = false;
	}
	if (!lint_that(l, !list.bad && list.n > 0, "the extensions are empty"))
		return;
	while (!list.bad && list.n > 0)
		sort_one(l, &list, &s);
	lint_known(l, &s);
	lint_basic(l, &s, kind);
	lint_usage(l, &s, kind);
	lint_extended(l, &s, kind);
	lint_ids(l, &s);
	lint_sans(l, &s, kind);
	lint_constraints(l, &s, kind);
}
