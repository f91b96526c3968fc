#ifndef CA_LINT_H
#define CA_LINT_H

#include <stdbool.h>
#include <stddef.h>

#include "ca/der.h"
#include "ca/record.h"
#include "lib/err.h"

/*
 * Our own linter over the bytes of certificates and CRLs: RFC 5280, and the
 * stricter rules of this authority.  It asks no library for an opinion.
 */
#define LINT_MAX 32
#define LINT_TEXT 160

/* What is wrong; more than LINT_MAX findings are counted only. */
struct lint {
	size_t count;
	char text[LINT_MAX][LINT_TEXT];
};

/** lint_add(l, format, ...): note a finding. */
void lint_add(struct lint *l, const char *format, ...) SN_PRINTF(2, 3);

/** lint_that(l, ok, text): note ${text} unless ${ok}; returns ${ok}. */
bool lint_that(struct lint *l, bool ok, const char *text);

/** lint_kind(der, n): what a certificate seems to be, by its extensions. */
enum record_kind lint_kind(const void *der, size_t n);

/** lint_examine(der, n, kind, l): all findings about a certificate. */
void lint_examine(
    const void *der, size_t n, enum record_kind kind, struct lint *l);

/** lint_examine_crl(der, n, l): all findings about a CRL. */
void lint_examine_crl(const void *der, size_t n, struct lint *l);

/**
 * lint_certificate(der, n, kind, why), lint_crl(der, n, why):
 * The gate before anything leaves: SN_ECERT with the first rule broken.
 */
enum sn_err lint_certificate(const void *der, size_t n, enum record_kind kind,
    struct sn_why *why) SN_MUST_USE;
enum sn_err lint_crl(const void *der, size_t n, struct sn_why *why) SN_MUST_USE;

/** lint_public_key(der, n, why): the same of a SubjectPublicKeyInfo that is to
 * be certified: what no certificate could leave with. */
enum sn_err lint_public_key(
    const void *der, size_t n, struct sn_why *why) SN_MUST_USE;

/* Parts of the work, one file each. */

/** lint_signed(l, der, n, what, tbs, algorithm): the shell that certificates
 * and CRLs have: what is signed, and how it says.  False when it is no such
 * thing. */
bool lint_signed(struct lint *l, const void *der, size_t n, const char *what,
    struct der *tbs, struct der *algorithm);

/** lint_name(l, name, what): contents of a Name. */
void lint_name(struct lint *l, struct der name, const char *what);

/** lint_key(l, spki): contents of a SubjectPublicKeyInfo. */
void lint_key(struct lint *l, struct der spki);

/** lint_algorithm(l, whole): a signature's AlgorithmIdentifier. */
void lint_algorithm(struct lint *l, struct der whole);

/** lint_extensions(l, list, kind): contents of Extensions. */
void lint_extensions(struct lint *l, struct der list, enum record_kind kind);

#endif
