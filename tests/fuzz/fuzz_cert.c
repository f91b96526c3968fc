#include <stddef.h>
#include <stdint.h>

#include "lib/cert.h"
#include "lib/subject.h"

/* Certificates from files and peers: read, checked, and asked whose. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(X509 *cert, X509 *issuer)
{
	const struct sn_cert_profile profile = { SN_CERT_KEYS_DEFAULT,
		NID_client_auth };
	struct sn_cert_refusal refusal;
	struct sn_subject_key key;
	char label[SN_NAME_MAX + 1];
	uint8_t id[32];

	sn_cert_fingerprint(cert, id);
	sn_cert_key_id(cert, id);
	sn_cert_issuer(cert, id);
	(void)sn_cert_check_leaf(cert, issuer, &profile, &refusal);
	(void)sn_cert_check_ca(cert, &refusal);
	for (int rule = SN_SUBJECT_CN; rule <= SN_SUBJECT_SAN_URI; rule++)
		(void)sn_subject_key(
		    cert, (enum sn_subject_rule)rule, &key, label, &refusal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	STACK_OF(X509) *certs = NULL;
	struct sn_why why;

	const unsigned char *der = data;
	X509 *one = d2i_X509(NULL, &der, (long)size);

	if (one != NULL) {
		look(one, one);
		X509_free(one);
	}
	if (sn_cert_read((struct sn_bytes){ data, size }, &certs, &why) !=
	    SN_OK)
		return (0);
	for (int i = 0; i < sk_X509_num(certs); i++)
		look(sk_X509_value(certs, i), sk_X509_value(certs, 0));
	sn_cert_free(certs);
	return (0);
}
