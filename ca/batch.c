#include "ca/batch.h"

#include <stdlib.h>
#include <string.h>

#include "ca/certificate.h"
#include "ca/crew.h"
#include "ca/inventory.h"
#include "ca/issuer.h"
#include "ca/ssl.h"
#include "lib/clock.h"

struct batch {
	struct authority *a;
	struct batch_line *lines;
	size_t count;
	const struct batch_issuer *by;
};

static void check_one(void *arg, size_t i, unsigned member)
{
	struct batch *b = arg;
	struct batch_line *line = &b->lines[i];

	(void)member;
	if (line->err == SN_OK)
		line->err = issue_check(
		    b->a, &line->order, b->by->certificate, &line->why);
}

static bool has_key(struct sn_bytes der, const struct spki *key)
{
	return (sn_bytes_equal(
	    certificate_spki(der), (struct sn_bytes){ key->der, key->n }));
}

/* It may be from before a rotation. */
static enum sn_err take_chain(
    struct sn_txn *txn, struct batch_line *line, uint32_t issuer)
{
	struct issuer row;
	struct record rec;
	enum sn_err err;

	if ((err = issuer_get(txn, issuer, &row)) != SN_OK ||
	    (err = issuer_record(txn, &row, &rec)) != SN_OK)
		return (err == SN_ENOTFOUND ? SN_ECORRUPT : err);
	line->chain = batch_line_pem(rec.der, &line->chain_n);
	return (line->chain != NULL ? SN_OK : SN_ENOMEM);
}

/* The certificate that keeps a line from getting one: when it is for the
 * very same key, it is what the line asks for. */
static enum sn_err take_again(
    struct batch *b, struct sn_txn *txn, struct batch_line *line)
{
	struct record old;
	enum sn_err err;

	err = book_newest(txn, KIND_CLIENT, line->account, line->label,
	    sn_clock_wall_s(), &old);
	if (err != SN_OK)
		return (err);
	if (!has_key(old.der, &line->key))
		return (SN_OK);
	if (old.issuer != b->by->id &&
	    (err = take_chain(txn, line, old.issuer)) != SN_OK)
		return (err);
	/* The books are a map that changes when this transaction ends. */
	if ((line->der = malloc(old.der.n)) == NULL)
		return (SN_ENOMEM);
	memcpy(line->der, old.der.p, old.der.n);
	line->der_n = old.der.n;
	old.der = (struct sn_bytes){ "", 0 };
	line->rec = old;
	line->again = true;
	line->err = SN_OK;
	return (SN_OK);
}

static enum sn_err reserve_one(
    struct batch *b, struct sn_txn *txn, struct batch_line *line)
{
	struct intent intent;
	enum sn_err err;

	issue_row(&line->order, b->by->id, &line->rec, &intent);
	err = book_reserve_in(txn, &line->rec, false, &intent, &line->why);
	if (err != SN_EEXISTS)
		return (err);
	line->err = err;
	return (take_again(b, txn, line));
}

static bool goes_on(const struct batch_line *line)
{
	return (line->err == SN_OK && !line->again);
}

static void sign_one(void *arg, size_t i, unsigned member)
{
	struct batch *b = arg;
	struct batch_line *line = &b->lines[i];

	(void)member;
	if (!goes_on(line))
		return;
	line->err =
	    issue_sign(b->a, &line->order, b->by->signer, b->by->certificate,
		&line->rec, &line->der, &line->der_n, &line->why);
	if (line->err == SN_OK)
		line->err = ssl_fingerprint(
		    line->der, line->der_n, line->rec.fingerprint);
}

/* What was reserved is entered, or given up when it could not be signed. */
static enum sn_err enter_one(
    struct batch *b, struct sn_txn *txn, struct batch_line *line)
{
	struct record *rec = &line->rec;
	enum sn_err err;

	(void)b;
	if (rec->state != STATE_PENDING)
		return (SN_OK);
	if (line->err != SN_OK)
		return (book_abandon(txn, rec));
	rec->der = (struct sn_bytes){ line->der, line->der_n };
	err = book_enter_in(txn, rec, false, &line->why);
	rec->der = (struct sn_bytes){ "", 0 };
	if (err == SN_EEXISTS) {
		line->err = err;
		return (SN_OK);
	}
	/* Nothing but these books has to be written: it is delivered. */
	return (err != SN_OK ? err : book_settled(txn, rec));
}

/* A step for every line in one transaction. */
static enum sn_err in_one(struct batch *b,
    enum sn_err (*step)(struct batch *, struct sn_txn *, struct batch_line *),
    struct sn_why *why)
{
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_write(b->a->store, &txn)) != SN_OK)
		return (inventory_why(b->a->store, err, why));
	for (size_t i = 0; err == SN_OK && i < b->count; i++) {
		struct batch_line *line = &b->lines[i];

		if (step == reserve_one && line->err != SN_OK)
			continue;
		if ((err = step(b, txn, line)) == SN_EDENIED)
			(void)sn_why(why, err, "%s", line->why.text);
	}
	if (err == SN_OK)
		return (inventory_why(b->a->store, sn_txn_commit(txn), why));
	sn_txn_abort(txn);
	return (err == SN_EDENIED ? err : inventory_why(b->a->store, err, why));
}

static void tell_one(void *arg, size_t i, unsigned member)
{
	struct batch *b = arg;

	(void)member;
	batch_line_tell(&b->lines[i], b->by->chain);
}

enum sn_err batch_issue(struct authority *a, struct batch_line *lines,
    size_t count, const struct batch_issuer *by, struct sn_why *why)
{
	struct batch b = { a, lines, count, by };
	enum sn_err err;

	crew_each(count, check_one, &b);
	if ((err = in_one(&b, reserve_one, why)) != SN_OK)
		return (err);
	crew_each(count, sign_one, &b);
	if ((err = in_one(&b, enter_one, why)) != SN_OK)
		return (err);
	crew_each(count, tell_one, &b);
	for (size_t i = 0; i < count; i++)
		if (lines[i].answer == NULL)
			return (sn_why(why, SN_ENOMEM, "out of memory"));
	return (SN_OK);
}
