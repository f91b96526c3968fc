#include "ca/constraint.h"

#include <openssl/err.h>

#include "ca/ssl.h"

#define NAME_TEXT 160

/* A stand-in with nothing but these names: OpenSSL remembers what it finds
 * in a certificate, so the draft itself must not be asked. */
static X509 *stand_in(X509 *draft, const GENERAL_NAMES *names)
{
	X509 *x = X509_new();

	if (x == NULL ||
	    X509_set_subject_name(x, X509_get_subject_name(draft)) != 1 ||
	    (names != NULL && X509_add1_ext_i2d(x, NID_subject_alt_name,
				  (void *)names, 0, X509V3_ADD_DEFAULT) != 1)) {
		X509_free(x);
		return (NULL);
	}
	/* It is not signed, so this fails; but the names are read. */
	(void)X509_check_purpose(x, -1, 0);
	ERR_clear_error();
	return (x);
}

static bool has_dns(const GENERAL_NAMES *names)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
		if (sk_GENERAL_NAME_value(names, i)->type == GEN_DNS)
			return (true);
	return (false);
}

static int verdict(
    X509 *draft, const GENERAL_NAMES *names, NAME_CONSTRAINTS *rules)
{
	X509 *x = stand_in(draft, names);
	int code = X509_V_ERR_OUT_OF_MEM;

	if (x != NULL)
		code = NAME_CONSTRAINTS_check(x, rules);
	/* Without a DNS name a common name that looks like one counts. */
	if (code == X509_V_OK && (names == NULL || !has_dns(names)))
		code = NAME_CONSTRAINTS_check_CN(x, rules);
	X509_free(x);
	return (code);
}

static void describe(const GENERAL_NAME *name, char out[NAME_TEXT])
{
	BIO *bio = BIO_new(BIO_s_mem());
	int n = 0;

	if (bio != NULL && GENERAL_NAME_print(bio, (GENERAL_NAME *)name) == 1)
		n = BIO_read(bio, out, NAME_TEXT - 1);
	out[n > 0 ? n : 0] = '\0';
	BIO_free(bio);
}

/* Which of the names it is; else it is the subject. */
static void blame(X509 *draft, const GENERAL_NAMES *names,
    NAME_CONSTRAINTS *rules, char out[NAME_TEXT])
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		GENERAL_NAMES *one = sk_GENERAL_NAME_new_null();
		bool bad = false;

		if (one != NULL && sk_GENERAL_NAME_push(one, name) > 0)
			bad = verdict(draft, one, rules) != X509_V_OK;
		sk_GENERAL_NAME_free(one);
		if (bad) {
			describe(name, out);
			return;
		}
	}
	(void)snprintf(out, NAME_TEXT, "its subject");
}

bool constraint_any(X509 *issuer)
{
	return (X509_get_ext_by_NID(issuer, NID_name_constraints, -1) >= 0);
}

enum sn_err constraint_check(X509 *issuer, X509 *draft, struct sn_why *why)
{
	int critical, code;
	NAME_CONSTRAINTS *rules =
	    X509_get_ext_d2i(issuer, NID_name_constraints, &critical, NULL);
	GENERAL_NAMES *names;
	char name[NAME_TEXT];

	if (rules == NULL && critical == -1)
		return (SN_OK);
	if (rules == NULL)
		return (sn_why(why, SN_ECERT,
		    "the issuing CA's name constraints cannot be read"));
	names = X509_get_ext_d2i(draft, NID_subject_alt_name, NULL, NULL);
	code = verdict(draft, names, rules);
	if (code != X509_V_OK)
		blame(draft, names, rules, name);
	GENERAL_NAMES_free(names);
	NAME_CONSTRAINTS_free(rules);
	if (code == X509_V_OK)
		return (SN_OK);
	return (sn_why(why, SN_EDENIED,
	    "the issuing CA's name constraints do not allow %s: %s", name,
	    X509_verify_cert_error_string(code)));
}
