#include <stdlib.h>
#include <string.h>

#include "ca/lint.h"

#define NUMBER_MOST 20
#define EXT_REASON 21
#define EXT_NUMBER 20
#define EXT_DELTA 27
#define EXT_POINT 28
#define EXT_ISSUER_ID 35

/* Takes one extension; false at a broken one. */
static bool extension(
    struct der *list, unsigned *id, bool *critical, struct der *value)
{
	struct der e = der_take(list, DER_SEQUENCE);
	struct der oid = der_take(&e, DER_OID);

	*critical = der_peek(&e) == DER_BOOLEAN;
	if (*critical)
		(void)der_take(&e, DER_BOOLEAN);
	*value = der_take(&e, DER_OCTETS);
	*id = oid.n == 3 && oid.p[0] == 0x55 && oid.p[1] == 0x1d ? oid.p[2] : 0;
	if (der_end(&e))
		return (true);
	list->bad = true;
	return (false);
}

static void lint_entry_extensions(struct lint *l, struct der list)
{
	unsigned id;
	bool critical;
	struct der value, code;

	lint_that(l, list.n > 0, "an entry's extensions are empty");
	while (!list.bad && list.n > 0) {
		if (!lint_that(l, extension(&list, &id, &critical, &value),
			"an entry's extension is broken"))
			return;
		if (id != EXT_REASON) {
			lint_add(
			    l, "an entry has an extension we do not write");
			continue;
		}
		code = der_take(&value, DER_ENUMERATED);
		lint_that(l,
		    !critical && der_end(&value) && code.n == 1 &&
			code.p[0] >= 1 && code.p[0] <= 10 && code.p[0] != 6 &&
			code.p[0] != 7 && code.p[0] != 8,
		    "an entry's reason is 0, hold, unknown or critical");
	}
}

static int by_serial(const void *a, const void *b)
{
	const struct der *x = a, *y = b;

	if (x->n != y->n)
		return (x->n < y->n ? -1 : 1);
	return (memcmp(x->p, y->p, x->n));
}

static struct der lint_entry(
    struct lint *l, struct der *list, int64_t this_update)
{
	struct der e = der_take(list, DER_SEQUENCE);
	struct der serial = der_take(&e, DER_INTEGER);
	int64_t when;

	lint_that(l,
	    der_integer_ok(&serial) && serial.p[0] < 0x80 && serial.n <= 20 &&
		!(serial.n == 1 && serial.p[0] == 0),
	    "an entry's serial is not positive or too long");
	if (lint_that(l, der_time(&e, &when),
		"an entry's time is not as RFC 5280 wants it"))
		lint_that(l, when <= this_update,
		    "an entry is revoked behind thisUpdate");
	if (der_peek(&e) == DER_SEQUENCE)
		lint_entry_extensions(l, der_take(&e, DER_SEQUENCE));
	if (!lint_that(l, der_end(&e), "an entry is broken"))
		list->bad = true;
	return (serial);
}

static size_t count_elements(struct der list)
{
	size_t n = 0;

	for (; !list.bad && list.n > 0; n++)
		(void)der_take(&list, DER_SEQUENCE);
	return (n);
}

static void lint_entries(struct lint *l, struct der list, int64_t this_update)
{
	size_t n = count_elements(list);
	struct der *serials;

	if (!lint_that(l, n > 0, "the list of entries is there and empty"))
		return;
	if ((serials = calloc(n, sizeof(*serials))) == NULL) {
		lint_add(l, "no memory to compare the serials");
		return;
	}
	for (size_t i = 0; i < n && !list.bad; i++)
		serials[i] = lint_entry(l, &list, this_update);
	if (lint_that(l, der_end(&list), "the list of entries is broken")) {
		qsort(serials, n, sizeof(*serials), by_serial);
		for (size_t i = 1; i < n; i++)
			lint_that(l, by_serial(&serials[i - 1], &serials[i]),
			    "a serial is listed twice");
	}
	free(serials);
}

static void lint_number(struct lint *l, struct der value, bool critical)
{
	struct der n = der_take(&value, DER_INTEGER);

	lint_that(l,
	    !critical && der_end(&value) && der_integer_ok(&n) &&
		n.p[0] < 0x80 && n.n <= NUMBER_MOST,
	    "the CRL number is broken, negative, too long or critical");
}

static void lint_list_extensions(struct lint *l, struct der list)
{
	bool number = false, issuer = false, critical;
	struct der value;
	unsigned id;

	while (!list.bad && list.n > 0) {
		if (!lint_that(l, extension(&list, &id, &critical, &value),
			"an extension is broken"))
			return;
		if (id == EXT_NUMBER) {
			lint_that(l, !number, "it has two numbers");
			number = true;
			lint_number(l, value, critical);
		} else if (id == EXT_ISSUER_ID) {
			lint_that(l, !issuer && !critical,
			    "its authority key identifier is there twice, or "
			    "critical");
			issuer = true;
		} else if (id == EXT_DELTA || id == EXT_POINT) {
			lint_add(l, "it is a delta, or has an issuing "
				    "distribution point");
		} else {
			lint_add(l, "it has an extension we do not write");
		}
	}
	lint_that(l, number, "it has no CRL number");
	lint_that(l, issuer, "it has no authority key identifier");
}

static void lint_times(struct lint *l, struct der *tbs, int64_t *this_update)
{
	int64_t next;
	bool both;

	both = lint_that(l, der_time(tbs, this_update),
	    "thisUpdate is not as RFC 5280 wants it");
	if (!lint_that(l,
		der_peek(tbs) == DER_UTC_TIME ||
		    der_peek(tbs) == DER_GENERAL_TIME,
		"it has no nextUpdate"))
		return;
	both = lint_that(l, der_time(tbs, &next),
		   "nextUpdate is not as RFC 5280 wants it") &&
	       both;
	if (both)
		lint_that(l, *this_update < next,
		    "nextUpdate is not behind thisUpdate");
}

static void lint_body(struct lint *l, struct der tbs, struct der algorithm)
{
	static const uint8_t v2[] = { 1 };
	struct der version = der_take(&tbs, DER_INTEGER), part;
	int64_t this_update = 0;

	lint_that(l, der_is(&version, v2, sizeof(v2)), "the version is not 2");
	/* Without a version (v1) the rest can still be looked at. */
	tbs.bad = false;
	part = der_whole(&tbs, DER_SEQUENCE);
	lint_that(l, der_is(&part, algorithm.p, algorithm.n),
	    "the two signature algorithms differ");
	lint_name(l, der_take(&tbs, DER_SEQUENCE), "issuer");
	lint_times(l, &tbs, &this_update);
	if (der_peek(&tbs) == DER_SEQUENCE)
		lint_entries(l, der_take(&tbs, DER_SEQUENCE), this_update);
	part = der_take(&tbs, DER_CONTEXT_IN(0));
	if (!lint_that(l, !part.bad, "it has no extensions"))
		return;
	lint_list_extensions(l, der_take(&part, DER_SEQUENCE));
	lint_that(l, der_end(&part) && der_end(&tbs),
	    "there are bytes behind the extensions");
}

void lint_examine_crl(const void *der, size_t n, struct lint *l)
{
	struct der tbs, algorithm;

	if (lint_signed(l, der, n, "CRL", &tbs, &algorithm))
		lint_body(l, tbs, algorithm);
}
