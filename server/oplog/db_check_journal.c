#include "server/oplog/db_check.h"
#include "server/oplog/journal.h"
#include "server/oplog/op.h"

struct look {
	struct db_check *check;
	uint64_t last; /* The tables', and what follows it in the journal. */
};

/* A server that runs may have begun the journal again since the snapshot was
 * taken: what does not follow is not looked at. */
static enum sn_err look_at(void *arg, uint64_t seq, struct sn_bytes value)
{
	struct look *l = arg;
	struct op op;

	if (seq != l->last + 1)
		return (SN_OK);
	l->last = seq;
	if (op_decode(value, &op) != SN_OK)
		db_check_found(l->check, "journal: the operation %llu: %s",
		    (unsigned long long)seq, sn_err_text(SN_ECORRUPT));
	l->check->messages++;
	return (SN_OK);
}

enum sn_err db_check_journal(
    struct sn_txn *txn, const char *dir, struct db_check *c)
{
	struct look look = { .check = c };
	struct sn_why why = { "" };
	struct journal *journal;
	uint64_t key;
	enum sn_err err;

	c->at(c->arg, "journal");
	if ((err = db_meta(txn, DB_META_JOURNAL, &key)) != SN_OK ||
	    (err = db_meta(txn, DB_META_LAST_SEQ, &look.last)) != SN_OK)
		return (err);
	err = key == 0 ? SN_ENOTFOUND
		       : journal_open_to_read(dir, key, &journal, &why);
	if (err == SN_ECORRUPT)
		db_check_found(c, "%s", why.text);
	if (err == SN_OK) {
		/* Beside a server that runs its entries need not fit. */
		err = journal_replay(journal, UINT64_MAX, look_at, &look);
		journal_close(journal);
	}
	/* None: a copy of the database alone, as in a backup. */
	return (err == SN_ECORRUPT || err == SN_ENOTFOUND ? SN_OK : err);
}
