#include "ca/lint.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

/* This chooses the rules, and judges nothing: so a library may say it. */
enum record_kind lint_kind(const void *der, size_t n)
{
	const unsigned char *p = der;
	enum record_kind kind = KIND_CLIENT;
	X509 *x = d2i_X509(NULL, &p, (long)n);
	uint32_t flags;

	if (x != NULL) {
		flags = X509_get_extension_flags(x);
		if ((flags & EXFLAG_CA) != 0)
			kind =
			    (flags & EXFLAG_SI) != 0 ? KIND_ROOT : KIND_ISSUER;
		else if ((flags & EXFLAG_XKUSAGE) != 0 &&
			 (X509_get_extended_key_usage(x) & XKU_SSL_SERVER) != 0)
			kind = KIND_SERVER;
	}
	X509_free(x);
	ERR_clear_error();
	return (kind);
}
