#include "server/gate/gate_internal.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "lib/clock.h"
#include "server/base/material.h"

static enum sn_err check_policy(
    const struct gate_policy *policy, struct sn_why *why)
{
	if (policy->chain_max < 2 || policy->chain_max > GATE_CHAIN_MAX)
		return (sn_why(why, SN_EINVAL,
		    "chains of %u certificates; 2 to %d are possible",
		    policy->chain_max, GATE_CHAIN_MAX));
	if (policy->keys == 0)
		return (sn_why(why, SN_EINVAL, "no type of key is allowed"));
	return (SN_OK);
}

/*
 * Every authority is an anchor: verification stops at the first one, so that
 * a handshake costs the verification of one signature.  What is above it was
 * verified when the gate was built.
 */
static int prepare_store(struct gate *gate)
{
	X509_VERIFY_PARAM *param;

	if ((gate->store = X509_STORE_new()) == NULL)
		return (0);
	param = X509_STORE_get0_param(gate->store);
	X509_VERIFY_PARAM_set_depth(param, (int)gate->policy.chain_max - 2);
	return (X509_VERIFY_PARAM_set_flags(param,
		    X509_V_FLAG_X509_STRICT | X509_V_FLAG_PARTIAL_CHAIN) &&
		X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_CLIENT));
}

static void warn_expired(const struct gate *gate, int64_t now)
{
	const struct sn_crl_info *list;
	char name[SN_CERT_NAME + 64], when[SN_CLOCK_TEXT];

	for (size_t i = 0; (list = sn_crl_at(gate->crls, i)) != NULL; i++) {
		if (list->next_update >= now)
			continue;
		sn_log(SN_ALARM, "gate.crl-expired",
		    "issuer=%s number=%llu until=%s",
		    sn_log_quote(
			name, sizeof(name), list->name, strlen(list->name)),
		    (unsigned long long)list->number,
		    sn_clock_rfc3339(list->next_update, when));
	}
}

enum sn_err gate_new(const struct gate_material *material,
    const struct gate *previous, struct gate **out, struct sn_why *why)
{
	struct gate *gate;
	int64_t now = sn_clock_wall_s();
	enum sn_err err;

	if ((err = check_policy(&material->policy, why)) != SN_OK)
		return (err);
	if ((gate = calloc(1, sizeof(*gate))) == NULL)
		return (sn_why(why, SN_ENOMEM, "out of memory"));
	gate->holders = 1;
	gate->policy = material->policy;
	gate->mapped = material->mapped;
	if (!prepare_store(gate)) {
		err = sn_why(why, SN_ENOMEM, "out of memory");
		goto err0;
	}
	err = gate_authorities_read(gate, material->authority, why);
	if (err != SN_OK) {
		err = material_why(
		    material->authority_file, "tls.authority", err, why);
		goto err0;
	}
	err = sn_crl_read(material->crl, gate->stack,
	    previous != NULL ? previous->crls : NULL, now, &gate->crls, why);
	if (err != SN_OK) {
		err = material_why(material->crl_file, "tls.crl", err, why);
		goto err0;
	}
	warn_expired(gate, now);
	*out = gate;
	return (SN_OK);
err0:
	gate_release(gate);
	return (err);
}

struct gate *gate_hold(struct gate *gate)
{
	(void)__atomic_add_fetch(&gate->holders, 1, __ATOMIC_RELAXED);
	return (gate);
}

void gate_release(struct gate *gate)
{
	if (gate == NULL ||
	    __atomic_sub_fetch(&gate->holders, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	sn_crl_free(gate->crls);
	X509_STORE_free(gate->store);
	sn_cert_free(gate->stack);
	free(gate);
}

uint64_t gate_crl_number(const struct gate *gate)
{
	const struct sn_crl_info *list;
	uint64_t highest = 0;

	for (size_t i = 0; (list = sn_crl_at(gate->crls, i)) != NULL; i++) {
		if (list->number > highest)
			highest = list->number;
	}
	return (highest);
}

const struct sn_crl_info *gate_crl_of(
    const struct gate *gate, const struct gate_peer *peer)
{
	return (peer->link_count > 0
		    ? sn_crl_find(gate->crls, peer->links[0].issuer)
		    : NULL);
}

const struct sn_crl_info *gate_crl_at(const struct gate *gate, size_t i)
{
	return (sn_crl_at(gate->crls, i));
}

int64_t gate_crl_until(const struct gate *gate)
{
	const struct sn_crl_info *list;
	int64_t earliest = 0;

	for (size_t i = 0; (list = sn_crl_at(gate->crls, i)) != NULL; i++) {
		if (earliest == 0 || list->next_update < earliest)
			earliest = list->next_update;
	}
	return (earliest);
}
