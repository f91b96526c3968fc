#include "lib/secret.h"

#include <string.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>

#include <openssl/crypto.h>

enum sn_err sn_secret_new(size_t len, struct sn_secret *out)
{
	void *p;

	p = mmap(NULL, len + 1, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return (SN_ENOMEM);
	/* Both are hardening; a small RLIMIT_MEMLOCK must not stop the work. */
	(void)mlock(p, len + 1);
	(void)madvise(p, len + 1, MADV_DONTDUMP);
	out->data = p;
	out->len = len;
	return (SN_OK);
}

enum sn_err sn_secret_copy(const void *from, size_t len, struct sn_secret *out)
{
	enum sn_err err;

	if ((err = sn_secret_new(len, out)) != SN_OK)
		return (err);
	if (len > 0)
		memcpy(out->data, from, len);
	return (SN_OK);
}

void sn_secret_free(struct sn_secret *s)
{
	if (s->data == NULL)
		return;
	sn_secret_wipe(s->data, s->len + 1);
	(void)munmap(s->data, s->len + 1);
	s->data = NULL;
	s->len = 0;
}

void sn_secret_wipe(void *p, size_t n)
{
	OPENSSL_cleanse(p, n);
}

int sn_secret_equal(const void *a, const void *b, size_t n)
{
	return (CRYPTO_memcmp(a, b, n) == 0);
}

void sn_secret_random(void *out, size_t n)
{
	unsigned char *p = out;

	while (n > 0) {
		ssize_t got = getrandom(p, n, 0);

		if (got <= 0)
			abort();
		p += got;
		n -= (size_t)got;
	}
}

enum sn_err sn_secret_process(void)
{
	struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    setrlimit(RLIMIT_CORE, &none) != 0)
		return (SN_EIO);
	return (SN_OK);
}
