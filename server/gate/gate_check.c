#include "server/gate/gate_internal.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "lib/clock.h"

#define UNKNOWN SN_ECERT, SN_TLS_ALERT_CERTIFICATE_UNKNOWN

void gate_facts(X509 *leaf, struct gate_peer *peer)
{
	uint8_t serial[SN_CERT_SERIAL];

	memset(peer, 0, sizeof(*peer));
	sn_cert_fingerprint(leaf, peer->fingerprint);
	if (sn_cert_serial(X509_get0_serialNumber(leaf), serial) == SN_OK)
		(void)sn_cert_serial_hex(serial, peer->serial);
	(void)sn_cert_name(X509_get_subject_name(leaf), peer->subject);
	(void)sn_cert_name(X509_get_issuer_name(leaf), peer->issuer);
	if (sn_cert_time(X509_get0_notBefore(leaf), &peer->not_before) !=
		SN_OK ||
	    sn_cert_time(X509_get0_notAfter(leaf), &peer->not_after) != SN_OK)
		peer->not_before = peer->not_after = 0;
	peer->ends = peer->not_after;
}

/* One look at one certificate. */
struct look {
	const struct gate *gate;
	int64_t now;
	struct gate_peer *peer;
	struct sn_cert_refusal *refusal;
};

/* A clock that lags may meet a certificate made a moment ago. */
static int tolerate(int ok, X509_STORE_CTX *x)
{
	const struct look *look = X509_STORE_CTX_get_app_data(x);
	int64_t from;

	if (ok || X509_STORE_CTX_get_error(x) != X509_V_ERR_CERT_NOT_YET_VALID)
		return (ok);
	return (sn_cert_time(
		    X509_get0_notBefore(X509_STORE_CTX_get_current_cert(x)),
		    &from) == SN_OK &&
		from <= look->now + look->gate->policy.tolerance);
}

static enum sn_err check_leaf(const struct look *look, X509 *leaf, X509 *issuer)
{
	const struct sn_cert_profile profile = {
		.keys = look->gate->policy.keys,
		.eku = NID_client_auth,
	};

	return (sn_cert_check_leaf(leaf, issuer, &profile, look->refusal));
}

/* Nobody who is trusted here stands behind it. */
static enum sn_err refuse_untrusted(const struct look *look, int code)
{
	switch (code) {
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
	case X509_V_ERR_CERT_UNTRUSTED:
		return (sn_cert_refuse(look->refusal, SN_ECERT,
		    SN_TLS_ALERT_UNKNOWN_CA, "unknown-ca",
		    "no authority that is trusted here issued the "
		    "certificate (its issuer is %s)",
		    look->peer->issuer));
	case X509_V_ERR_CERT_CHAIN_TOO_LONG:
		return (sn_cert_refuse(look->refusal, SN_ECERT,
		    SN_TLS_ALERT_UNKNOWN_CA, "chain-too-long",
		    "the certificate's chain is longer than %u certificates",
		    look->gate->policy.chain_max));
	default:
		return (SN_OK);
	}
}

static enum sn_err refuse_time(const struct look *look, int code, int depth)
{
	const char *which = depth == 0 ? "the certificate"
				       : "an issuer of the "
					 "certificate";

	if (code == X509_V_ERR_CERT_HAS_EXPIRED)
		return (sn_cert_refuse(look->refusal, SN_EEXPIRED,
		    SN_TLS_ALERT_CERTIFICATE_EXPIRED, "expired",
		    "%s has expired", which));
	if (code == X509_V_ERR_CERT_NOT_YET_VALID)
		return (sn_cert_refuse(look->refusal, SN_ECERT,
		    SN_TLS_ALERT_BAD_CERTIFICATE, "not-yet-valid",
		    "%s is not valid yet (is this machine's clock right?)",
		    which));
	return (SN_OK);
}

static enum sn_err refuse_chain(
    const struct look *look, X509 *leaf, int code, int depth)
{
	enum sn_err err;

	if (code == X509_V_ERR_OUT_OF_MEM)
		return (sn_cert_refuse(look->refusal, SN_ENOMEM,
		    SN_TLS_ALERT_INTERNAL_ERROR, "internal", "out of memory"));
	/* OpenSSL finds no issuer for a leaf that it cannot read. */
	if ((X509_get_extension_flags(leaf) & EXFLAG_INVALID) != 0 &&
	    (err = check_leaf(look, leaf, leaf)) != SN_OK)
		return (err);
	if ((err = refuse_untrusted(look, code)) != SN_OK ||
	    (err = refuse_time(look, code, depth)) != SN_OK)
		return (err);
	/* Our own words say more than OpenSSL's about a leaf. */
	if (depth == 0 && (err = check_leaf(look, leaf, leaf)) != SN_OK)
		return (err);
	return (sn_cert_refuse(look->refusal, SN_ECERT,
	    SN_TLS_ALERT_BAD_CERTIFICATE, "chain",
	    "certificate %d of the chain is not acceptable: %s", depth + 1,
	    X509_verify_cert_error_string(code)));
}

/* The verified path from the leaf to the first authority, to be freed. */
static enum sn_err verify(const struct look *look, X509 *leaf,
    STACK_OF(X509) * untrusted, STACK_OF(X509) * *path)
{
	X509_STORE_CTX *x = X509_STORE_CTX_new();
	struct look copy = *look;
	enum sn_err err = SN_OK;

	ERR_clear_error();
	if (x == NULL ||
	    !X509_STORE_CTX_init(x, look->gate->store, leaf, untrusted)) {
		X509_STORE_CTX_free(x);
		return (refuse_chain(look, leaf, X509_V_ERR_OUT_OF_MEM, 0));
	}
	(void)X509_STORE_CTX_set_app_data(x, &copy);
	X509_STORE_CTX_set_verify_cb(x, tolerate);
	X509_STORE_CTX_set_time(x, 0, (time_t)look->now);
	if (X509_verify_cert(x) != 1)
		err = refuse_chain(look, leaf, X509_STORE_CTX_get_error(x),
		    X509_STORE_CTX_get_error_depth(x));
	else
		*path = X509_STORE_CTX_get1_chain(x);
	X509_STORE_CTX_free(x);
	ERR_clear_error();
	return (err);
}

static enum sn_err check_list(
    const struct look *look, const struct sn_crl_info *list, const char *issuer)
{
	const struct gate_policy *policy = &look->gate->policy;
	char when[SN_CLOCK_TEXT];

	if (list == NULL)
		return (sn_cert_refuse(look->refusal, UNKNOWN, "no-crl",
		    "there is no revocation list of %s; add its list to "
		    "tls.crl, and it to tls.authority if it is not there",
		    issuer));
	if (list->this_update > look->now + policy->tolerance)
		return (sn_cert_refuse(look->refusal, UNKNOWN, "crl-not-yet",
		    "the revocation list of %s is from the future (is this "
		    "machine's clock right?)",
		    issuer));
	if (look->now > list->next_update + policy->grace)
		return (sn_cert_refuse(look->refusal, UNKNOWN, "crl-expired",
		    "the revocation list of %s ended %s; publish a new one",
		    issuer, sn_clock_rfc3339(list->next_update, when)));
	return (SN_OK);
}

/* ${depth} counts from the leaf, which is 0. */
static enum sn_err check_link(const struct look *look,
    const struct gate_link *link, const char *issuer, unsigned depth)
{
	const struct sn_crl_info *list =
	    sn_crl_find(look->gate->crls, link->issuer);
	struct gate_peer *peer = look->peer;
	enum sn_err err;

	if ((err = check_list(look, list, issuer)) != SN_OK)
		return (err);
	if (sn_crl_revoked(list, link->serial))
		return (sn_cert_refuse(look->refusal, SN_EREVOKED,
		    SN_TLS_ALERT_CERTIFICATE_REVOKED, "revoked",
		    "%s is revoked (list %llu of %s)",
		    depth == 0 ? "the certificate"
			       : "an issuer of the "
				 "certificate",
		    (unsigned long long)list->number, issuer));
	if (peer->link_count == GATE_CHAIN_MAX)
		return (refuse_untrusted(look, X509_V_ERR_CERT_CHAIN_TOO_LONG));
	peer->links[peer->link_count++] = *link;
	return (SN_OK);
}

static void shorten(struct gate_peer *peer, int64_t until)
{
	if (until < peer->ends)
		peer->ends = until;
}

/* A certificate of the path and the one above it. */
static enum sn_err check_step(
    const struct look *look, X509 *cert, X509 *issuer, unsigned depth)
{
	char name[SN_CERT_NAME];
	struct gate_link link;
	int64_t until;
	enum sn_err err;

	if (depth > 0 && (err = sn_cert_check_ca(cert, look->refusal)) != SN_OK)
		return (err);
	if (sn_cert_serial(X509_get0_serialNumber(cert), link.serial) !=
		SN_OK ||
	    sn_cert_time(X509_get0_notAfter(cert), &until) != SN_OK)
		return (refuse_chain(look, cert, X509_V_ERR_UNSPECIFIED, 1));
	shorten(look->peer, until);
	sn_cert_issuer(issuer, link.issuer);
	return (check_link(look, &link,
	    sn_cert_name(X509_get_subject_name(issuer), name), depth));
}

static const struct gate_authority *find_authority(
    const struct gate *gate, const X509 *cert)
{
	for (int i = 0; i < gate->count; i++) {
		if (X509_cmp(gate->authorities[i].cert, cert) == 0)
			return (&gate->authorities[i]);
	}
	return (NULL);
}

/* Above the anchor signatures are known to be good; time and lists change. */
static enum sn_err check_above(
    const struct look *look, const struct gate_authority *a, unsigned depth)
{
	const struct gate *gate = look->gate;
	char name[SN_CERT_NAME];
	enum sn_err err;

	for (; a->parent != GATE_NO_PARENT; depth++) {
		const struct gate_authority *p = &gate->authorities[a->parent];

		if (depth + 2 > gate->policy.chain_max)
			return (refuse_untrusted(
			    look, X509_V_ERR_CERT_CHAIN_TOO_LONG));
		(void)sn_cert_name(X509_get_subject_name(p->cert), name);
		if ((err = check_link(look, &a->link, name, depth)) != SN_OK)
			return (err);
		if (p->not_after <= look->now)
			return (
			    refuse_time(look, X509_V_ERR_CERT_HAS_EXPIRED, 1));
		shorten(look->peer, p->not_after);
		a = p;
	}
	return (SN_OK);
}

static enum sn_err check_path(
    const struct look *look, const STACK_OF(X509) * path)
{
	unsigned last = (unsigned)sk_X509_num(path) - 1;
	const struct gate_authority *anchor =
	    find_authority(look->gate, sk_X509_value(path, (int)last));
	enum sn_err err;

	/* Itself an anchor, or an anchor that is not ours: neither can be. */
	if (last == 0 || anchor == NULL)
		return (refuse_untrusted(look, X509_V_ERR_CERT_UNTRUSTED));
	err = check_leaf(look, sk_X509_value(path, 0), sk_X509_value(path, 1));
	for (unsigned i = 0; err == SN_OK && i < last; i++)
		err = check_step(look, sk_X509_value(path, (int)i),
		    sk_X509_value(path, (int)i + 1), i);
	if (err != SN_OK)
		return (err);
	shorten(look->peer, anchor->not_after);
	return (check_above(look, anchor, last));
}

/* Exactly one value names the account: the rule's, or a mapping's. */
static enum sn_err find_subject(const struct look *look, X509 *leaf)
{
	const struct gate *gate = look->gate;
	struct gate_peer *peer = look->peer;
	char label[SN_NAME_MAX + 1];
	enum sn_err err;

	if ((err = sn_subject_claim(leaf, peer->digest, peer->claim,
		 peer->label, look->refusal)) != SN_OK)
		return (err);
	err = sn_subject_key(
	    leaf, gate->policy.rule, &peer->key, label, look->refusal);
	if (err != SN_ECERT ||
	    strcmp(look->refusal->word, SN_SUBJECT_CONTRADICTION) == 0 ||
	    gate->mapped.has == NULL ||
	    !gate->mapped.has(gate->mapped.arg, peer->digest))
		return (err);
	memset(&peer->key, 0, sizeof(peer->key));
	return (SN_OK);
}

enum sn_err gate_check(const struct gate *gate, X509 *leaf,
    STACK_OF(X509) * chain, int64_t now, struct gate_peer *peer,
    struct sn_cert_refusal *refusal)
{
	struct sn_cert_refusal unheard;
	struct look look = { gate, now, peer,
		refusal != NULL ? refusal : &unheard };
	STACK_OF(X509) *path = NULL;
	enum sn_err err;

	gate_facts(leaf, peer);
	if ((err = verify(&look, leaf, chain, &path)) != SN_OK)
		return (err);
	if (path == NULL)
		return (refuse_chain(&look, leaf, X509_V_ERR_OUT_OF_MEM, 0));
	if ((err = check_path(&look, path)) == SN_OK)
		err = find_subject(&look, leaf);
	sn_cert_free(path);
	return (err);
}

enum sn_err gate_recheck(
    const struct gate *gate, const struct gate_peer *peer, int64_t now)
{
	if (peer->ends <= now)
		return (SN_EEXPIRED);
	for (unsigned i = 0; i < peer->link_count; i++) {
		const struct gate_link *link = &peer->links[i];
		const struct sn_crl_info *list =
		    sn_crl_find(gate->crls, link->issuer);

		if (list == NULL)
			return (SN_ECERT);
		if (sn_crl_revoked(list, link->serial))
			return (SN_EREVOKED);
	}
	return (SN_OK);
}
