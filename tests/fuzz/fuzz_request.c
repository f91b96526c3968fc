#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "ca/lint.h"
#include "ca/request.h"

/* Certificate signing requests of strangers.  A key that is taken out of one
 * can be certified, or is refused in words. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct p256 *p256;
	struct spki key;
	struct sn_why why;

	if (p256 == NULL && (p256 = p256_new()) == NULL)
		abort();
	if (request_key((struct sn_bytes){ data, size }, "alice", p256, &key,
		&why) != SN_OK)
		return (0);
	if (key.n == 0 || key.n > sizeof(key.der) ||
	    spki_bits((struct sn_bytes){ key.der, key.n }).n == 0)
		abort();
	(void)!lint_public_key(key.der, key.n, &why);
	return (0);
}
