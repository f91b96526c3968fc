#include "ca/lint.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SERIAL_LEAST 8 /* 64 bits. */
#define SERIAL_MOST 20 /* RFC 5280, 4.1.2.2 */

void lint_add(struct lint *l, const char *format, ...)
{
	va_list ap;

	if (l->count < LINT_MAX) {
		va_start(ap, format);
		(void)vsnprintf(l->text[l->count], LINT_TEXT, format, ap);
		va_end(ap);
	}
	l->count++;
}

bool lint_that(struct lint *l, bool ok, const char *text)
{
	if (!ok)
		lint_add(l, "%s", text);
	return (ok);
}

static void lint_serial(struct lint *l, struct der serial)
{
	if (!lint_that(l, der_integer_ok(&serial),
		"the serial is not an INTEGER in shortest form"))
		return;
	lint_that(l, serial.p[0] < 0x80, "the serial is negative");
	lint_that(l, serial.n > 1 || serial.p[0] != 0, "the serial is zero");
	lint_that(
	    l, serial.n <= SERIAL_MOST, "the serial is longer than 20 octets");
	lint_that(
	    l, serial.n >= SERIAL_LEAST, "the serial is shorter than 64 bits");
}

static void lint_validity(struct lint *l, struct der validity)
{
	int64_t from, to;
	bool both;

	both = lint_that(l, der_time(&validity, &from),
	    "notBefore is no UTCTime (through 2049) or GeneralizedTime (from "
	    "2050) with seconds and Z");
	both = lint_that(l, der_time(&validity, &to),
		   "notAfter is no UTCTime (through 2049) or GeneralizedTime "
		   "(from 2050) with seconds and Z") &&
	       both;
	if (both)
		lint_that(l, from < to, "notAfter is not behind notBefore");
	lint_that(l, der_end(&validity), "validity has more than two times");
}

static void lint_version(struct lint *l, struct der *tbs)
{
	static const uint8_t v3[] = { 2, 1, 2 };
	struct der version = der_take(tbs, DER_CONTEXT_IN(0));

	lint_that(l, der_is(&version, v3, sizeof(v3)), "the version is not 3");
}

static void lint_body(
    struct lint *l, struct der tbs, struct der algorithm, enum record_kind kind)
{
	struct der part, subject, issuer;

	lint_version(l, &tbs);
	lint_serial(l, der_take(&tbs, DER_INTEGER));
	part = der_whole(&tbs, DER_SEQUENCE);
	lint_that(l, der_is(&part, algorithm.p, algorithm.n),
	    "the two signature algorithms differ");
	issuer = der_take(&tbs, DER_SEQUENCE);
	lint_name(l, issuer, "issuer");
	lint_validity(l, der_take(&tbs, DER_SEQUENCE));
	subject = der_take(&tbs, DER_SEQUENCE);
	lint_name(l, subject, "subject");
	if (kind == KIND_ROOT)
		lint_that(l, der_is(&subject, issuer.p, issuer.n),
		    "a root's issuer is not its subject");
	else
		lint_that(l, !der_is(&subject, issuer.p, issuer.n),
		    "the subject is the issuer's");
	lint_key(l, der_take(&tbs, DER_SEQUENCE));
	if (!lint_that(l,
		der_peek(&tbs) != DER_CONTEXT(1) &&
		    der_peek(&tbs) != DER_CONTEXT(2),
		"it has a unique identifier"))
		return;
	part = der_take(&tbs, DER_CONTEXT_IN(3));
	if (!lint_that(l, !part.bad, "it has no extensions"))
		return;
	lint_extensions(l, der_take(&part, DER_SEQUENCE), kind);
	lint_that(l, der_end(&part) && der_end(&tbs),
	    "there are bytes behind the extensions");
}

bool lint_signed(struct lint *l, const void *der, size_t n, const char *what,
    struct der *tbs, struct der *algorithm)
{
	struct der all = der_over(der, n);
	struct der x = der_take(&all, DER_SEQUENCE), signature;

	*tbs = der_take(&x, DER_SEQUENCE);
	*algorithm = der_whole(&x, DER_SEQUENCE);
	signature = der_take(&x, DER_BITS);
	if (!der_end(&all) || !der_end(&x)) {
		lint_add(l, "it is no %s in DER, or has bytes behind it", what);
		return (false);
	}
	lint_algorithm(l, *algorithm);
	lint_that(l, signature.n > 1 && signature.p[0] == 0,
	    "the signature is empty or no whole bytes");
	return (true);
}

void lint_examine(
    const void *der, size_t n, enum record_kind kind, struct lint *l)
{
	struct der tbs, algorithm;

	if (lint_signed(l, der, n, "certificate", &tbs, &algorithm))
		lint_body(l, tbs, algorithm, kind);
}

static enum sn_err verdict(
    const struct lint *l, const char *what, struct sn_why *why)
{
	if (l->count == 0)
		return (SN_OK);
	return (sn_why(why, SN_ECERT,
	    "the %s breaks a rule and does not leave: %s (%zu in all)", what,
	    l->text[0], l->count));
}

enum sn_err lint_certificate(
    const void *der, size_t n, enum record_kind kind, struct sn_why *why)
{
	struct lint l = { .count = 0 };

	lint_examine(der, n, kind, &l);
	return (verdict(&l, "certificate", why));
}

enum sn_err lint_public_key(const void *der, size_t n, struct sn_why *why)
{
	struct lint l = { .count = 0 };
	struct der all = der_over(der, n);

	lint_key(&l, der_take(&all, DER_SEQUENCE));
	lint_that(&l, der_end(&all), "there are bytes behind the public key");
	if (l.count == 0)
		return (SN_OK);
	return (sn_why(why, SN_ECERT,
	    "this key cannot be certified: %s; make another one", l.text[0]));
}

enum sn_err lint_crl(const void *der, size_t n, struct sn_why *why)
{
	struct lint l = { .count = 0 };

	lint_examine_crl(der, n, &l);
	return (verdict(&l, "CRL", why));
}
