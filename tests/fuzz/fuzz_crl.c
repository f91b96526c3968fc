#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/crl.h"

/* Revocation lists from a file that anyone may have written. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	STACK_OF(X509) *issuers = sk_X509_new_null();
	struct sn_crl_set *set = NULL;
	struct sn_why why;

	if (sn_crl_read((struct sn_bytes){ data, size }, issuers, NULL, 0, &set,
		&why) == SN_OK)
		__builtin_trap(); /* Nobody signed it. */
	sk_X509_free(issuers);
	return (0);
}
