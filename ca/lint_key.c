#include <string.h>

#include "ca/lint.h"

#define RSA_LEAST 256 /* 2048 bits */

#define OID(...)                                                    \
	{                                                           \
		{ __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ }) \
	}
struct oid {
	uint8_t p[12];
	size_t n;
};

static const struct oid ec_key = OID(0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1);
static const struct oid rsa_key =
    OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1);
static const struct oid ed25519 = OID(0x2b, 0x65, 0x70);
static const struct oid p256 = OID(0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7);
static const struct oid p384 = OID(0x2b, 0x81, 0x04, 0, 0x22);
static const struct oid ecdsa[] = {
	OID(0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2), /* with SHA-256 */
	OID(0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3), /* SHA-384 */
	OID(0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4), /* SHA-512 */
};
static const struct oid rsa[] = {
	OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11), /* SHA-256 */
	OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12), /* SHA-384 */
	OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13), /* SHA-512 */
};

static bool is(const struct der *d, const struct oid *o)
{
	return (der_is(d, o->p, o->n));
}

static void lint_ec(struct lint *l, struct der *parameters, struct der bits)
{
	struct der curve = der_take(parameters, DER_OID);
	size_t coordinate = is(&curve, &p256) ? 32 : is(&curve, &p384) ? 48 : 0;

	if (!lint_that(l, coordinate != 0,
		"the EC key is not on a named curve P-256 or P-384"))
		return;
	lint_that(l, bits.n == 2 + 2 * coordinate && bits.p[1] == 0x04,
	    "the EC point is not uncompressed or of a wrong length");
}

static void lint_rsa(struct lint *l, struct der bits)
{
	struct der in = der_over(bits.p + 1, bits.n - 1);
	struct der pair = der_take(&in, DER_SEQUENCE);
	struct der modulus = der_take(&pair, DER_INTEGER);
	struct der e = der_take(&pair, DER_INTEGER);

	if (!lint_that(l,
		der_end(&in) && der_end(&pair) && der_integer_ok(&modulus) &&
		    der_integer_ok(&e),
		"the RSA key is broken"))
		return;
	lint_that(l,
	    modulus.n > RSA_LEAST ||
		(modulus.n == RSA_LEAST && modulus.p[0] >= 0x80),
	    "the RSA key is shorter than 2048 bits");
	lint_that(
	    l, (modulus.p[modulus.n - 1] & 1) == 1, "the RSA modulus is even");
	/* At least 65537 and odd. */
	lint_that(l, e.p[0] < 0x80 && e.n >= 3 && (e.p[e.n - 1] & 1) == 1,
	    "the RSA exponent is even or below 65537");
}

void lint_key(struct lint *l, struct der spki)
{
	struct der algorithm = der_take(&spki, DER_SEQUENCE);
	struct der type = der_take(&algorithm, DER_OID);
	struct der bits = der_take(&spki, DER_BITS);

	if (!lint_that(l, der_end(&spki) && bits.n > 1 && bits.p[0] == 0,
		"the public key is broken"))
		return;
	if (is(&type, &ec_key)) {
		lint_ec(l, &algorithm, bits);
	} else if (is(&type, &rsa_key)) {
		lint_that(l, algorithm.n == 2 && algorithm.p[0] == 5,
		    "the RSA key's parameters are not NULL");
		lint_rsa(l, bits);
	} else if (is(&type, &ed25519)) {
		lint_that(l, algorithm.n == 0 && bits.n == 33,
		    "the Ed25519 key is broken");
	} else {
		lint_add(l, "the key is neither EC, Ed25519 nor RSA");
	}
}

void lint_algorithm(struct lint *l, struct der whole)
{
	struct der in = der_take(&whole, DER_SEQUENCE);
	struct der type = der_take(&in, DER_OID);

	for (size_t i = 0; i < sizeof(ecdsa) / sizeof(ecdsa[0]); i++)
		if (is(&type, &ecdsa[i])) {
			lint_that(l, der_end(&in),
			    "ECDSA's parameters are not absent");
			return;
		}
	for (size_t i = 0; i < sizeof(rsa) / sizeof(rsa[0]); i++)
		if (is(&type, &rsa[i])) {
			lint_that(l, in.n == 2 && in.p[0] == 5,
			    "RSA's parameters are not NULL");
			return;
		}
	if (is(&type, &ed25519))
		lint_that(
		    l, der_end(&in), "Ed25519's parameters are not absent");
	else
		lint_add(l, "the signature algorithm is not ECDSA, RSA with "
			    "SHA-2, or Ed25519");
}
