#include "server/gate/gate_internal.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

/* The text may hold a CA twice; the second adds nothing. */
static int known(const struct gate *gate, const X509 *cert)
{
	for (int i = 0; i < gate->count; i++) {
		if (X509_cmp(gate->authorities[i].cert, cert) == 0)
			return (1);
	}
	return (0);
}

static enum sn_err add(struct gate *gate, X509 *cert, struct sn_why *why)
{
	struct gate_authority *a = &gate->authorities[gate->count];
	struct sn_cert_refusal refusal;
	char name[SN_CERT_NAME];
	enum sn_err err;

	if (known(gate, cert))
		return (SN_OK);
	if (gate->count == GATE_AUTHORITIES_MAX)
		return (sn_why(why, SN_EINVAL,
		    "more than %d trusted authorities", GATE_AUTHORITIES_MAX));
	if ((err = sn_cert_check_ca(cert, &refusal)) != SN_OK)
		return (sn_why(why, err,
		    "the authority %s cannot be trusted: "
		    "%s",
		    sn_cert_name(X509_get_subject_name(cert), name),
		    refusal.why.text));
	if (sn_cert_time(X509_get0_notBefore(cert), &a->not_before) != SN_OK ||
	    sn_cert_time(X509_get0_notAfter(cert), &a->not_after) != SN_OK ||
	    sn_cert_serial(X509_get0_serialNumber(cert), a->link.serial) !=
		SN_OK)
		return (sn_why(why, SN_ECERT,
		    "the dates of the authority %s cannot be read",
		    sn_cert_name(X509_get_subject_name(cert), name)));
	if (!X509_STORE_add_cert(gate->store, cert))
		return (sn_why(why, SN_ENOMEM, "out of memory"));
	a->cert = cert;
	a->parent = GATE_NO_PARENT;
	sn_cert_issuer(cert, a->id);
	gate->count++;
	return (SN_OK);
}

static int signed_by(X509 *cert, X509 *ca)
{
	int ok;

	ERR_clear_error();
	ok = X509_check_issued(ca, cert) == X509_V_OK &&
	     X509_verify(cert, X509_get0_pubkey(ca)) == 1;
	ERR_clear_error();
	return (ok);
}

/* Of two certificates of the same parent the one that lasts longer. */
static void find_parent(struct gate *gate, struct gate_authority *a)
{
	if ((X509_get_extension_flags(a->cert) & EXFLAG_SI) != 0)
		return;
	for (int i = 0; i < gate->count; i++) {
		const struct gate_authority *p = &gate->authorities[i];

		if (p == a || !signed_by(a->cert, p->cert))
			continue;
		if (a->parent != GATE_NO_PARENT &&
		    gate->authorities[a->parent].not_after >= p->not_after)
			continue;
		a->parent = i;
		memcpy(a->link.issuer, p->id, sizeof(p->id));
	}
}

enum sn_err gate_authorities_read(
    struct gate *gate, struct sn_bytes pem, struct sn_why *why)
{
	enum sn_err err;

	if ((err = sn_cert_read(pem, &gate->stack, why)) != SN_OK)
		return (err);
	for (int i = 0; i < sk_X509_num(gate->stack); i++) {
		err = add(gate, sk_X509_value(gate->stack, i), why);
		if (err != SN_OK)
			return (err);
	}
	for (int i = 0; i < gate->count; i++)
		find_parent(gate, &gate->authorities[i]);
	return (SN_OK);
}

static bool same_parent(const X509 *a, const X509 *b)
{
	return (X509_NAME_cmp(
		    X509_get_issuer_name(a), X509_get_issuer_name(b)) == 0);
}

/* Of the CAs of one parent the one that begins last is in use; one and the
 * same CA with two certificates does not supersede itself, and of roots it
 * cannot be told. */
static bool superseded(const struct gate *gate, const struct gate_authority *a)
{
	if ((X509_get_extension_flags(a->cert) & EXFLAG_SI) != 0)
		return (false);
	for (int i = 0; i < gate->count; i++) {
		const struct gate_authority *b = &gate->authorities[i];

		if (b->not_before > a->not_before &&
		    memcmp(a->id, b->id, sizeof(a->id)) != 0 &&
		    same_parent(a->cert, b->cert))
			return (true);
	}
	return (false);
}

bool gate_issuer_at(
    const struct gate *gate, unsigned i, struct gate_issuer *out)
{
	const struct gate_authority *a;

	if (i >= (unsigned)gate->count)
		return (false);
	a = &gate->authorities[i];
	memcpy(out->id, a->id, sizeof(out->id));
	(void)sn_cert_name(X509_get_subject_name(a->cert), out->name);
	out->not_before = a->not_before;
	out->not_after = a->not_after;
	out->superseded = superseded(gate, a);
	return (true);
}
