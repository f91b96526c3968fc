#include "ca/lint.h"

enum sn_err lint_certificate(
    const void *der, size_t n, enum record_kind kind, struct sn_why *why)
{
	(void)kind;
	if (der == NULL || n == 0)
		return (sn_why(why, SN_ECERT, "the certificate is empty"));
	return (SN_OK);
}
