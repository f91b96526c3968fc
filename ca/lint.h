#ifndef CA_LINT_H
#define CA_LINT_H

#include <stddef.h>

#include "ca/record.h"
#include "lib/err.h"

/**
 * lint_certificate(der, n, kind, why):
 * Check the bytes of a certificate of ours against RFC 5280 and our own
 * rules, before it leaves.  SN_ECERT with the rule that is broken.
 */
enum sn_err lint_certificate(const void *der, size_t n, enum record_kind kind,
    struct sn_why *why) SN_MUST_USE;

#endif
