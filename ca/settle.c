#include "ca/settle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit.h"
#include "ca/book.h"
#include "ca/crl.h"
#include "ca/deliver.h"
#include "ca/due.h"
#include "ca/inventory.h"
#include "ca/issuer.h"
#include "ca/ssl.h"
#include "ca/tree.h"
#include "lib/file.h"
#include "lib/temp.h"

#define CERTIFICATE_FILE_MAX 65536

/* What becomes of an intent. */
enum fate {
	FATE_ABANDON, /* Nothing was signed. */
	FATE_DONE,    /* Everything was there; only the note was left. */
	FATE_REVOKE,  /* A certificate without its key. */
};

enum sn_err settle_needed(struct authority *a, bool *out, struct sn_why *why)
{
	struct sn_txn *txn;
	uint64_t n = 0;
	enum sn_err err;

	if ((err = sn_txn_read(a->store, &txn)) != SN_OK)
		return (inventory_why(a->store, err, why));
	err = sn_txn_count(txn, TABLE_INTENT, &n);
	sn_txn_abort(txn);
	*out = n > 0;
	return (inventory_why(a->store, err, why));
}

/* The first leftover, with its record; SN_ENOTFOUND when all is settled. */
static enum sn_err first(
    struct sn_txn *txn, struct record *rec, struct intent *intent)
{
	struct sn_bytes key, value;
	struct sn_cursor *c;
	enum sn_err err;

	if ((err = sn_cursor_open(txn, TABLE_INTENT, &c)) != SN_OK)
		return (err);
	err = sn_cursor_first(c, &key, &value);
	if (err == SN_OK && key.n != SERIAL_BYTES)
		err = SN_ECORRUPT;
	if (err == SN_OK) {
		err = book_get(txn, key.p, rec);
		if (err == SN_ENOTFOUND)
			err = SN_ECORRUPT;
	}
	sn_cursor_close(c);
	if (err == SN_OK)
		err = book_intent(txn, rec, intent);
	return (err);
}

static bool is_ours_in(const char *path, const struct record *rec)
{
	uint8_t fingerprint[FINGERPRINT_BYTES];
	bool same = false;
	char *text;
	size_t n;
	X509 *x;

	if (sn_file_read(path, CERTIFICATE_FILE_MAX, &text, &n, NULL) != SN_OK)
		return (false);
	if ((x = ssl_pem_first(text, n)) != NULL) {
		same = X509_digest(x, EVP_sha256(), fingerprint, NULL) == 1 &&
		       memcmp(fingerprint, rec->fingerprint,
			   sizeof(fingerprint)) == 0;
		X509_free(x);
	}
	free(text);
	return (same);
}

static enum sn_err write_again(struct authority *a, struct sn_txn *txn,
    const struct record *rec, const char *folder, struct sn_why *why)
{
	struct issued issued = { .rec = *rec };
	enum sn_err err;

	err = ssl_certificate(rec->der, &issued.certificate, why);
	if (err == SN_OK && (err = issuer_certificate(txn, rec->issuer,
				 &issued.issuer, why)) == SN_OK)
		err = deliver(a, &issued, NULL, NULL, folder, why);
	issue_free(&issued);
	return (err);
}

/* Whether the key in the folder is the certificate's. */
static bool has_its_key(const char *folder, const struct record *rec)
{
	char path[PATH_BYTES + 16];
	struct key *key;
	bool fits = false;
	X509 *x;

	(void)snprintf(path, sizeof(path), "%s/key.pem", folder);
	if (key_load(path, NULL, &key, NULL) != SN_OK)
		return (false);
	if (ssl_certificate(rec->der, &x, NULL) == SN_OK) {
		fits = key_fits(key, x);
		X509_free(x);
	}
	key_free(key);
	return (fits);
}

static enum sn_err leaf_fate(struct authority *a, struct sn_txn *txn,
    const struct record *rec, const struct intent *intent, enum fate *fate,
    struct sn_why *why)
{
	char folder[PATH_BYTES], path[PATH_BYTES + 16];
	enum sn_err err;

	*fate = FATE_REVOKE;
	if (intent->to[0] == '/')
		(void)snprintf(folder, sizeof(folder), "%s", intent->to);
	else
		authority_path(a, folder, "%s", intent->to);
	(void)snprintf(
	    path, sizeof(path), "%s/%s", folder, deliver_name(rec->kind));
	if (is_ours_in(path, rec)) {
		*fate = FATE_DONE;
		return (SN_OK);
	}
	if (intent->has_key && !has_its_key(folder, rec))
		return (SN_OK);
	if ((err = deliver_folder(a, intent->to, folder, why)) != SN_OK ||
	    (err = write_again(a, txn, rec, folder, why)) != SN_OK)
		return (err);
	*fate = FATE_DONE;
	return (SN_OK);
}

static enum sn_err issuer_fate(
    struct sn_txn *txn, const struct record *rec, enum fate *fate)
{
	struct issuer i;
	enum sn_err err = SN_OK;

	*fate = FATE_REVOKE;
	for (uint32_t id = ISSUER_ROOT; err == SN_OK; id = i.id + 1) {
		err = issuer_from(txn, id, &i);
		if (err == SN_OK &&
		    memcmp(i.serial, rec->serial, SERIAL_BYTES) == 0)
			*fate = FATE_DONE;
	}
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

/* What it was to renew holds on. */
static enum sn_err revoke(struct sn_txn *txn, struct record *rec, int64_t now)
{
	struct record released;
	enum sn_err err = crl_revoke(txn, rec, REASON_SUPERSEDED, now);

	if (err == SN_OK &&
	    (err = due_release(txn, rec, now, &released)) == SN_ENOTFOUND)
		err = SN_OK;
	return (err);
}

static enum sn_err apply(struct sn_txn *txn, struct record *rec, enum fate fate,
    settle_tell *tell, void *arg)
{
	static const char *const words[] = {
		[FATE_ABANDON] = "was never signed; its serial is given up",
		[FATE_DONE] = "is complete; its files are in place",
		[FATE_REVOKE] = ("lost its key before it was handed over; it "
				 "is revoked, issue another"),
	};
	char hex[SERIAL_TEXT], line[512];
	struct sn_why ignored;
	int64_t now;
	enum sn_err err;

	(void)sn_bytes_hex(rec->serial, SERIAL_BYTES, hex);
	err = authority_now(txn, &now, &ignored);
	if (err != SN_OK && err != SN_EDENIED)
		return (err);
	if (fate == FATE_ABANDON) {
		rec->state = STATE_ABANDONED;
		err = book_put(txn, rec);
	} else if (fate == FATE_REVOKE) {
		err = revoke(txn, rec, now);
	} else {
		err = SN_OK;
	}
	if (err != SN_OK ||
	    (err = sn_txn_delete(txn, TABLE_INTENT,
		 (struct sn_bytes){ rec->serial, SERIAL_BYTES })) != SN_OK ||
	    (err = audit_add(txn, now, "settle", "serial=%s did=\"%s\"", hex,
		 words[fate])) != SN_OK)
		return (err);
	(void)snprintf(line, sizeof(line), "certificate %s of %s%s%s %s", hex,
	    rec->name, rec->label[0] != '\0' ? ", device " : "", rec->label,
	    words[fate]);
	tell(arg, line);
	return (SN_OK);
}

/* What a kill in the one moment in which a file has another's name left in a
 * folder outside: perhaps a key that is not encrypted.  What lies in the
 * authority's own folder is swept with it. */
static bool is_delivered(int fd, const char *entry, size_t n)
{
	static const char *const names[] = { "key.pem", "ca.pem", "cert.pem",
		"chain.pem" };

	(void)fd;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (n == strlen(names[i]) && strncmp(entry, names[i], n) == 0)
			return (true);
	return (false);
}

static enum sn_err settle_one(struct authority *a, struct sn_txn *txn,
    settle_tell *tell, void *arg, struct sn_why *why)
{
	struct intent intent;
	struct record rec;
	enum fate fate = FATE_ABANDON;
	enum sn_err err;

	if ((err = first(txn, &rec, &intent)) != SN_OK)
		return (err);
	why->text[0] = '\0';
	if (intent.to[0] == '/')
		(void)sn_temp_sweep(intent.to, is_delivered);
	if (rec.state == STATE_REVOKED)
		fate = FATE_DONE;
	else if (rec.state == STATE_VALID &&
		 (rec.kind == KIND_ROOT || rec.kind == KIND_ISSUER))
		err = issuer_fate(txn, &rec, &fate);
	else if (rec.state == STATE_VALID)
		err = leaf_fate(a, txn, &rec, &intent, &fate, why);
	if (err != SN_OK)
		return (err);
	return (apply(txn, &rec, fate, tell, arg));
}

static enum sn_err settle_all(
    struct authority *a, settle_tell *tell, void *arg, struct sn_why *why)
{
	struct sn_txn *txn;
	enum sn_err err;

	for (;;) {
		if ((err = sn_txn_write(a->store, &txn)) != SN_OK)
			return (inventory_why(a->store, err, why));
		err = settle_one(a, txn, tell, arg, why);
		if (err == SN_OK) {
			err = sn_txn_commit(txn);
			if (err != SN_OK)
				return (inventory_why(a->store, err, why));
			continue;
		}
		sn_txn_abort(txn);
		if (err == SN_ENOTFOUND)
			return (SN_OK);
		return (why->text[0] != '\0'
			    ? err
			    : inventory_why(a->store, err, why));
	}
}

enum sn_err settle(struct authority *a, settle_tell *tell, void *arg,
    bool *busy, struct sn_why *why)
{
	struct sn_why inner = { "" };
	enum sn_err err;

	*busy = !authority_alone(a);
	if (*busy) {
		authority_together(a);
		return (SN_OK);
	}
	(void)tree_sweep(a->dir);
	err = settle_all(a, tell, arg, &inner);
	authority_together(a);
	return (err == SN_OK ? SN_OK : sn_why(why, err, "%s", inner.text));
}
