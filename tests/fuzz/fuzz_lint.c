#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <openssl/x509.h>

#include "ca/certificate.h"
#include "ca/lint.h"

/* Certificates and lists under the linter.  What it finds nothing wrong with,
 * OpenSSL can read. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void certificate(const uint8_t *data, size_t size)
{
	static const enum record_kind kinds[] = { KIND_ROOT, KIND_ISSUER,
		KIND_CLIENT, KIND_SERVER };
	const unsigned char *p;
	bool good = false;
	X509 *x;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct lint l = { .count = 0 };

		lint_examine(data, size, kinds[i], &l);
		good = good || l.count == 0;
	}
	(void)lint_kind(data, size);
	if (certificate_spki((struct sn_bytes){ data, size }).n > size)
		abort();
	if (!good)
		return;
	p = data;
	x = d2i_X509(NULL, &p, (long)size);
	if (x == NULL || p != data + size)
		abort();
	X509_free(x);
}

static void list(const uint8_t *data, size_t size)
{
	struct lint l = { .count = 0 };
	const unsigned char *p = data;
	X509_CRL *crl;

	lint_examine_crl(data, size, &l);
	if (l.count > 0)
		return;
	crl = d2i_X509_CRL(NULL, &p, (long)size);
	if (crl == NULL || p != data + size)
		abort();
	X509_CRL_free(crl);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	certificate(data, size);
	list(data, size);
	return (0);
}
