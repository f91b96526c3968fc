#include "server/net/owner.h"

#include <string.h>

#include "server/gate/subject_key.h"

static const char nothing_here[] = "your certificate opens no account here";

static const struct owner_refusal unknown = {
	"no-account", nothing_here, "no account has this subject",
	"no account has this subject; sicherctl account add makes one, "
	"sicherctl map add leads the subject to one",
}, ambiguous = {
	"no-account", nothing_here,
	"its name leads to one account and a mapping to another",
	"its name leads to one account and a mapping by hand to another; "
	"sicherctl map check shows which",
}, contradicting = {
	"no-account", nothing_here,
	"a URI of the certificate names another account",
	"it leads to an account, and a URI among its alternative names to "
	"another; issue a new certificate",
}, disabled = {
	"disabled", "your account is disabled", "the account is disabled",
	"the account is disabled; sicherctl account enable lets it in again",
}, buried = {
	"no-account", nothing_here,
	"the certificate is older than the deletion of an account of this "
	"subject; issue a new one",
	"it is older than the deletion of an account of this subject; issue a "
	"new certificate",
}, rewritten = {
	"no-account", nothing_here,
	"the certificate is a known one whose signature was rewritten",
	"it is a known certificate whose signature was rewritten; use the "
	"one that was issued",
}, elsewhere = {
	"no-account", nothing_here,
	"the certificate is bound to another account",
	"it is bound to another account for ever; issue a new certificate",
}, revoked = {
	"revoked", "this device was revoked", "the device is revoked",
	"the device is revoked on this server; issue a new certificate",
};

/* The account that a key leads to, or one of id 0. */
static enum sn_err look_up(
    struct sn_txn *txn, const struct subject_key *key, struct account *out)
{
	enum sn_err err;

	err = account_of_subject(txn, subject_key_bytes(key), out);
	if (err == SN_ENOTFOUND) {
		out->id = 0;
		return (SN_OK);
	}
	return (err);
}

static enum sn_err find_account(
    struct sn_txn *txn, const struct gate_peer *peer, struct owner *out)
{
	struct account by_rule = { .id = 0 };
	struct subject_key key;
	enum sn_err err;

	subject_key_of_digest(peer->digest, &key);
	if ((err = look_up(txn, &key, &out->account)) != SN_OK)
		return (err);
	out->mapped = out->account.id != 0;
	if (peer->key.len > 0 && peer->key.rule != SN_SUBJECT_DN) {
		subject_key(&peer->key, &key);
		if ((err = look_up(txn, &key, &by_rule)) != SN_OK)
			return (err);
	}
	if (!out->mapped)
		out->account = by_rule;
	if (out->account.id == 0)
		out->refusal = &unknown;
	else if (by_rule.id != 0 && by_rule.id != out->account.id)
		out->refusal = &ambiguous;
	else if (peer->claim[0] != '\0' &&
		 strcmp(peer->claim, out->account.name) != 0)
		out->refusal = &contradicting;
	else if (out->account.state != ACCOUNT_ACTIVE)
		out->refusal = &disabled;
	return (SN_OK);
}

/* When an account was last deleted that this certificate could have opened,
 * by whatever rule was in force then. */
static enum sn_err last_burial(struct sn_txn *txn, const struct gate_peer *peer,
    const struct account *account, uint64_t *out)
{
	const struct sn_bytes name = sn_bytes_of(account->name);
	struct subject_key keys[4];
	enum sn_err err;

	subject_key(&peer->key, &keys[0]);
	subject_key_of_digest(peer->digest, &keys[1]);
	subject_key_of_name(SN_SUBJECT_CN, name, &keys[2]);
	subject_key_of_name(SN_SUBJECT_SAN_URI, name, &keys[3]);
	*out = 0;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		uint64_t when;

		err =
		    account_tombstone(txn, subject_key_bytes(&keys[i]), &when);
		if (err != SN_OK)
			return (err);
		if (when > *out)
			*out = when;
	}
	return (SN_OK);
}

/*
 * Anybody can rewrite an ECDSA signature into a second good one, and the
 * certificate then has another fingerprint; issuer and serial stay.
 */
static enum sn_err find_twin(struct sn_txn *txn, uint64_t account,
    const struct gate_peer *peer, bool *found)
{
	struct device d = { .account = account };
	enum sn_err err;

	for (;;) {
		err = device_next(txn, account, &d, found);
		if (err != SN_OK || !*found)
			return (err);
		if (strcmp(d.serial, peer->serial) == 0 &&
		    strcmp(d.issuer, peer->issuer) == 0)
			return (SN_OK);
	}
}

static enum sn_err find_device(
    struct sn_txn *txn, const struct gate_peer *peer, struct owner *out)
{
	struct device device;
	bool twin;
	enum sn_err err;

	err = device_get(txn, peer->fingerprint, &device);
	if (err == SN_ENOTFOUND) {
		err = find_twin(txn, out->account.id, peer, &twin);
		if (err == SN_OK && twin)
			out->refusal = &rewritten;
		return (err);
	}
	if (err != SN_OK)
		return (err);
	out->bound = true;
	if (device.account != out->account.id)
		out->refusal = &elsewhere;
	else if (device.revoked)
		out->refusal = &revoked;
	return (SN_OK);
}

enum sn_err owner_find(
    struct sn_txn *txn, const struct gate_peer *peer, struct owner *out)
{
	uint64_t when;
	enum sn_err err;

	memset(out, 0, sizeof(*out));
	if ((err = find_account(txn, peer, out)) != SN_OK ||
	    out->refusal != NULL)
		return (err);
	if ((err = last_burial(txn, peer, &out->account, &when)) != SN_OK)
		return (err);
	if (when != 0 && peer->not_before <= (int64_t)when) {
		out->refusal = &buried;
		return (SN_OK);
	}
	return (find_device(txn, peer, out));
}
