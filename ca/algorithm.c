#include "ca/algorithm.h"

#include <string.h>

#include "lib/algorithms.h"

static const struct algorithm all[] = {
	{ "EC", sn_algorithms_sha256,
	    { 0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2 }, 12 },
	{ "EC", EVP_sha384,
	    { 0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3 }, 12 },
	{ "EC", EVP_sha512,
	    { 0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4 }, 12 },
	{ "RSA", sn_algorithms_sha256,
	    { 0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11, 5,
		0 },
	    15 },
	{ "RSA", EVP_sha384,
	    { 0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12, 5,
		0 },
	    15 },
	{ "RSA", EVP_sha512,
	    { 0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13, 5,
		0 },
	    15 },
	{ "ED25519", NULL, { 0x30, 5, 6, 3, 0x2b, 0x65, 0x70 }, 7 },
};
#define COUNT (sizeof(all) / sizeof(all[0]))

const struct algorithm *algorithm_of(struct sn_bytes whole)
{
	for (size_t i = 0; i < COUNT; i++)
		if (whole.n == all[i].n &&
		    memcmp(whole.p, all[i].bytes, whole.n) == 0)
			return (&all[i]);
	return (NULL);
}

const struct algorithm *algorithm_for(EVP_PKEY *key)
{
	const EVP_MD *(*md)(void) = sn_algorithms_sha256;

	if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_bits(key) > 256)
		md = EVP_sha384;
	for (size_t i = 0; i < COUNT; i++)
		if (EVP_PKEY_is_a(key, all[i].key) &&
		    (all[i].md == NULL || all[i].md == md))
			return (&all[i]);
	return (NULL);
}
