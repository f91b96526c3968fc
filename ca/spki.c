#include "ca/spki.h"

#include <stdio.h>
#include <string.h>

#include <openssl/x509.h>

#include "ca/der.h"
#include "ca/ssl.h"

/* All that comes before the point of a P-256 key. */
static const uint8_t p256_head[] = { 0x30, 0x59, 0x30, 0x13, 6, 7, 0x2a, 0x86,
	0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7,
	DER_BITS, 1 + SPKI_P256_POINT, 0 };
#define P256_BYTES (sizeof(p256_head) + SPKI_P256_POINT)

static void name_type(EVP_PKEY *key, char out[SPKI_TYPE])
{
	char group[32] = "";
	size_t n;

	out[0] = '\0';
	if (EVP_PKEY_is_a(key, "ED25519"))
		(void)snprintf(out, SPKI_TYPE, "ed25519");
	else if (EVP_PKEY_is_a(key, "RSA"))
		(void)snprintf(out, SPKI_TYPE, "rsa%d", EVP_PKEY_get_bits(key));
	else if (!EVP_PKEY_is_a(key, "EC") ||
		 EVP_PKEY_get_group_name(key, group, sizeof(group), &n) != 1)
		return;
	else if (strcmp(group, "prime256v1") == 0)
		(void)snprintf(out, SPKI_TYPE, "p256");
	else if (strcmp(group, "secp384r1") == 0)
		(void)snprintf(out, SPKI_TYPE, "p384");
	else
		(void)snprintf(out, SPKI_TYPE, "%s", group);
}

enum sn_err spki_of(EVP_PKEY *key, struct spki *out, struct sn_why *why)
{
	unsigned char *p = out->der;
	int n = i2d_PUBKEY(key, NULL);

	if (n > SPKI_MAX)
		return (sn_why(why, SN_ECERT,
		    "the public key is larger than any that is accepted"));
	if (n <= 0 || i2d_PUBKEY(key, &p) != n)
		return (ssl_why(why, "cannot encode the public key"));
	out->n = (size_t)n;
	name_type(key, out->type);
	return (SN_OK);
}

struct sn_bytes spki_point(struct sn_bytes whole)
{
	const uint8_t *p = whole.p;

	/* The first byte of an uncompressed point is 4. */
	if (whole.n != P256_BYTES ||
	    memcmp(p, p256_head, sizeof(p256_head)) != 0 ||
	    p[sizeof(p256_head)] != 0x04)
		return ((struct sn_bytes){ "", 0 });
	return ((struct sn_bytes){ p + sizeof(p256_head), SPKI_P256_POINT });
}

void spki_p256(const uint8_t point[SPKI_P256_POINT], struct spki *out)
{
	(void)snprintf(out->type, sizeof(out->type), "p256");
	memcpy(out->der, p256_head, sizeof(p256_head));
	memcpy(out->der + sizeof(p256_head), point, SPKI_P256_POINT);
	out->n = P256_BYTES;
}

struct sn_bytes spki_bits(struct sn_bytes whole)
{
	struct der all = der_over(whole.p, whole.n);
	struct der in = der_take(&all, DER_SEQUENCE), bits;

	(void)der_take(&in, DER_SEQUENCE);
	bits = der_take(&in, DER_BITS);
	if (!der_end(&all) || !der_end(&in) || bits.n < 2 || bits.p[0] != 0)
		return ((struct sn_bytes){ "", 0 });
	return ((struct sn_bytes){ bits.p + 1, bits.n - 1 });
}
